// Passkeys in the browser: asks the gateway for options, the authenticator for an answer, and hands that answer over. On a click
// for signing in and for making one; silently beside the identifier's field, where the browser proposes a passkey if it has one:
// whatever fails there is not told, and the form stays usable meanwhile.
"use strict";

const place = document.querySelector("[data-passkey]");
const part = (name) => place.querySelector(`[data-${name}]`);
const { passkey: kind, options: optionsAddress, verify: verifyAddress, token, able: tellsAbility } = place.dataset;

class Failed extends Error {}

function text(name) {
  const known = place.querySelector(`[data-message="${CSS.escape(name)}"]`) ?? place.querySelector('[data-message="failed"]');
  return known.textContent;
}

function octets(value) {
  const base64 = value.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

function base64url(buffer) {
  let letters = "";
  for (const octet of new Uint8Array(buffer)) letters += String.fromCharCode(octet);
  return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function ask(address, body) {
  const answer = await fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Form-Token": token },
    body: JSON.stringify(body),
    cache: "no-store",
    redirect: "error",
  });
  if (!(answer.headers.get("Content-Type") ?? "").startsWith("application/json")) throw new Failed(text("failed"));
  const told = await answer.json();
  if (answer.status === 410) {
    if (told.next) location.assign(told.next); // the step is over, or another proof is asked first: its page says so
    throw new Failed(told.text);
  }
  if (!answer.ok) throw new Failed(told.text);
  return told;
}

function readable(credential) {
  const { response } = credential;
  const members = { clientDataJSON: base64url(response.clientDataJSON) };
  if (response.attestationObject) {
    members.attestationObject = base64url(response.attestationObject);
    members.transports = response.getTransports ? response.getTransports() : [];
  } else {
    members.authenticatorData = base64url(response.authenticatorData);
    members.signature = base64url(response.signature);
    if (response.userHandle?.byteLength) members.userHandle = base64url(response.userHandle);
  }
  return { id: credential.id, rawId: base64url(credential.rawId), type: credential.type, response: members };
}

function made(options) {
  const excludeCredentials = (options.excludeCredentials ?? []).map((one) => ({ ...one, id: octets(one.id) }));
  const user = { ...options.user, id: octets(options.user.id) };
  const publicKey = { ...options, challenge: octets(options.challenge), user, excludeCredentials };
  return navigator.credentials.create({ publicKey });
}

function proved(options, more = {}) {
  return navigator.credentials.get({ publicKey: { ...options, challenge: octets(options.challenge) }, ...more });
}

function why(error) {
  if (error instanceof Failed) return error.message;
  if (error.name === "NotAllowedError" || error.name === "AbortError") return text("cancelled");
  if (error.name === "InvalidStateError") return text("exists");
  return text("failed");
}

function fail(message) {
  part("status").textContent = "";
  part("failure").querySelector("p").textContent = message;
  part("failure").hidden = false;
  part("failure").focus();
}

async function onClick(start) {
  start.disabled = true;
  part("failure").hidden = true;
  part("status").textContent = text("waiting");
  try {
    const options = await ask(optionsAddress, {});
    const credential = await (kind === "create" ? made(options) : proved(options));
    const label = place.querySelector("input[data-label]");
    const told = await ask(verifyAddress, { credential: readable(credential), ...(label ? { label: label.value } : {}) });
    location.assign(place.dataset.next ?? told.next);
  } catch (error) {
    fail(why(error));
    if (start.dataset.again) start.textContent = start.dataset.again;
    start.disabled = false;
  }
}

async function beside() {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  const able = await PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable();
  const options = await ask(optionsAddress, tellsAbility === undefined ? {} : { able });
  const credential = await proved(options, { mediation: "conditional" });
  try {
    location.assign((await ask(verifyAddress, { credential: readable(credential) })).next);
  } catch (error) {
    fail(why(error));
  }
}

if (kind === "autofill") {
  if (window.isSecureContext && window.PublicKeyCredential) beside().catch(() => undefined);
} else if (!window.isSecureContext || !window.PublicKeyCredential) {
  fail(text("unsupported"));
} else {
  part("ready").hidden = false;
  part("start").addEventListener("click", () => onClick(part("start")));
}
