// The card step in the browser: after a click, looks for the bridge on this computer's ports, in order, has it ask for the card,
// and hands its answer to the gateway. The code porteur is never typed here. Nothing is tried again by itself: every failure is
// told, with help for this browser when the bridge cannot be reached, and the other means stay on the page.
"use strict";

const PROTOCOL = "cps-bridge:1";
const HELP_AFTER = 2_000; // no answer by then: the browser may be asking, or blocking; its help is shown while we go on waiting
const SEARCH_LIMIT = 60_000;
const RENEWED_FOR = 300_000;
const LOOPBACK = { mode: "cors", credentials: "omit", cache: "no-store", redirect: "error", referrerPolicy: "no-referrer" };

const card = document.querySelector("[data-card]");
const part = (name) => card.querySelector(`[data-${name}]`);
const { handle, token, language, bridges } = card.dataset;
const start = part("start");
const cancel = part("cancel");
const status = part("status");
const failure = part("failure");

class Failed extends Error {
  constructor(text, help = false) {
    super(text);
    this.help = help;
  }
}

function text(name, version = "") {
  const known = card.querySelector(`[data-message="${CSS.escape(name)}"]`) ?? card.querySelector('[data-message="internal"]');
  return known.textContent.replace("#", version);
}

function browserName() {
  if (navigator.vendor.startsWith("Apple")) return "safari";
  if (/Firefox\//.test(navigator.userAgent)) return "firefox";
  return /Chrom(e|ium)\//.test(navigator.userAgent) ? "chromium" : "other";
}

function showHelp(shown) {
  for (const section of card.querySelectorAll("[data-help]")) {
    section.hidden = !shown || section.dataset.help !== browserName();
  }
}

function fail(error) {
  status.textContent = "";
  failure.querySelector("p").textContent = error.message;
  failure.hidden = false;
  showHelp(error.help);
  failure.focus();
}

async function permissionDenied() {
  for (const name of ["loopback-network", "local-network-access"]) {
    try {
      return (await navigator.permissions.query({ name })).state === "denied";
    } catch {
      // this browser knows the permission under another name, or not at all
    }
  }
  return false;
}

async function findBridge() {
  const late = new AbortController();
  const limit = setTimeout(() => late.abort(), SEARCH_LIMIT);
  const help = setTimeout(() => {
    status.textContent = text("permission");
    showHelp(true);
  }, HELP_AFTER);
  try {
    for (const address of bridges.split(" ")) {
      try {
        const answer = await fetch(`${address}/v1/status`, { ...LOOPBACK, headers: { "X-CPS-Bridge": "1" }, signal: late.signal });
        const told = await answer.json();
        if (answer.ok && told.protocol === PROTOCOL) return { address, version: String(told.version) };
      } catch {
        if (late.signal.aborted) break; // nobody here, not a bridge, or not allowed: the next port
      }
    }
  } finally {
    clearTimeout(limit);
    clearTimeout(help);
  }
  throw new Failed(text((await permissionDenied()) ? "denied" : "unreachable"), true);
}

async function ask(what, body) {
  const answer = await fetch(`/signin/${handle}/card/${what}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Form-Token": token },
    body: JSON.stringify(body),
    cache: "no-store",
    redirect: "error",
  });
  if (!(answer.headers.get("Content-Type") ?? "").startsWith("application/json")) throw new Failed(text("refused"));
  const told = await answer.json();
  if (answer.status === 410) {
    location.assign(`/signin/${handle}`); // the journey moved on in another tab, or is over: its page says so
    throw new Failed(text("moved"));
  }
  if (!answer.ok) throw new Failed(told.text);
  return told;
}

// While the bridge's window is open its nonce is kept alive; without this page it dies after two minutes.
function keepAlive(challenge) {
  let asking = Promise.resolve();
  const until = performance.now() + RENEWED_FOR;
  const renew = () => {
    if (performance.now() > until) return;
    asking = ask("challenge", { purpose: challenge.purpose, nonce: challenge.nonce }).catch(() => undefined);
  };
  const timer = setInterval(renew, challenge.expires_in * 500);
  return async () => {
    clearInterval(timer);
    await asking;
  };
}

async function authenticate(bridge, challenge) {
  const stop = new AbortController();
  const giveUp = () => {
    fetch(`${bridge.address}/v1/cancel`, {
      ...LOOPBACK,
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CPS-Bridge": "1" },
      body: JSON.stringify({ protocol: PROTOCOL }),
    }).catch(() => stop.abort());
  };
  cancel.hidden = false;
  cancel.addEventListener("click", giveUp, { once: true });
  const rest = keepAlive(challenge);
  try {
    const answer = await fetch(`${bridge.address}/v1/authenticate`, {
      ...LOOPBACK,
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CPS-Bridge": "1" },
      body: JSON.stringify({ protocol: PROTOCOL, nonce: challenge.nonce, purpose: challenge.purpose, lang: language }),
      signal: stop.signal,
    });
    const told = await answer.json();
    if (!answer.ok) throw new Failed(text(String(told.error), bridge.version));
    return told;
  } catch (error) {
    if (error instanceof Failed) throw error;
    throw stop.signal.aborted ? new Failed(text("user_cancelled")) : new Failed(text("unreachable"), true);
  } finally {
    await rest();
    cancel.removeEventListener("click", giveUp);
    cancel.hidden = true;
  }
}

async function signIn() {
  start.disabled = true;
  failure.hidden = true;
  showHelp(false);
  status.textContent = text("searching");
  try {
    const bridge = await findBridge();
    showHelp(false);
    const challenge = await ask("challenge", { purpose: "login" });
    status.textContent = text("window");
    const assertion = await authenticate(bridge, challenge);
    status.textContent = text("verifying");
    const told = await ask("verify", { transaction: challenge.transaction, assertion });
    location.assign(told.next);
  } catch (error) {
    fail(error instanceof Failed ? error : new Failed(text("refused")));
    start.textContent = start.dataset.again;
    start.disabled = false;
  }
}

if (browserName() === "safari") {
  showHelp(true);
} else if (!window.isSecureContext) {
  part("ready").hidden = false;
  start.disabled = true;
  fail(new Failed(text("insecure")));
} else {
  part("ready").hidden = false;
  start.addEventListener("click", signIn);
}
