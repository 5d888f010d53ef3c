// Finds a module named without its extension, as bundlers do: AppAuth is published for them.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

export async function resolve(specifier, context, next) {
  if (specifier.startsWith(".") && !/\.m?js$/.test(specifier)) {
    const file = new URL(`${specifier}.js`, context.parentURL);
    if (existsSync(fileURLToPath(file))) return next(file.href, context);
  }
  return next(specifier, context);
}
