// The JavaScript helper led by a test: one JSON object per line, in and out.

import { createInterface } from "node:readline";
import { AccessRefused, CHECKS, Gateway, PROOF_CHECKS, ResourceServer } from "./verify_access_token.mjs";

let server;
let clock = 0;

function begins({ issuer, audience, without }) {
  const kept = (checks) => checks.filter((check) => !without.includes(check.name));
  const now = () => clock;
  server = new ResourceServer(new Gateway(issuer, { now }), audience, {
    now,
    checks: kept(CHECKS),
    proofChecks: kept(PROOF_CHECKS),
  });
  return {};
}

async function judge({ now, method, url, headers, certificate, demands }) {
  clock = now;
  try {
    const given = certificate === null ? null : Buffer.from(certificate, "base64");
    const access = await server.access(method, url, headers, { certificate: given });
    let gave = null;
    for (const [name, ...wanted] of demands) gave = access[name](...wanted) ?? null;
    return { status: 200, claims: access.claims, gave };
  } catch (refused) {
    if (!(refused instanceof AccessRefused)) throw refused;
    const { status, error, headers: said, address = null } = refused;
    JSON.parse(refused.body);
    return { status, error, headers: said, address };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  let said;
  try {
    said = asked.begins ? begins(asked.begins) : await judge(asked.judge);
  } catch (broke) {
    said = { broke: String(broke.stack) };
  }
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
