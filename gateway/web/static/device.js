// The browser's half of a trusted device: an ECDSA P-256 key that it can use and nobody can take out, kept in IndexedDB
// under one name per account. On the code page it makes the key when the person ticks the box; on the device page it signs
// the gateway's challenge. Wherever a step is impossible (no script, private window, key dropped) a code is asked instead.
"use strict";

const STORE = "device-keys";
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };

function base64url(buffer) {
  let text = "";
  for (const octet of new Uint8Array(buffer)) text += String.fromCharCode(octet);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function openStore() {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("passerelle", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
    opening.onblocked = () => reject(new Error("blocked"));
  });
}

async function inStore(mode, action) {
  const database = await openStore();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const asked = action(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(asked.result);
      transaction.onerror = () => reject(transaction.error);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

async function makeKey(name) {
  const pair = await crypto.subtle.generateKey(ALGORITHM, false, ["sign"]);
  const point = await crypto.subtle.exportKey("raw", pair.publicKey);
  await inStore("readwrite", (keys) => keys.put(pair.privateKey, name));
  return base64url(point);
}

async function sign(name, message) {
  const key = await inStore("readonly", (keys) => keys.get(name));
  if (!key) throw new Error("this browser has no key of that name");
  return base64url(await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key, new TextEncoder().encode(message)));
}

function offerTrust(form) {
  const box = form.querySelector("[data-trust-box]");
  const point = form.elements.namedItem("device_public_key");
  const wanted = form.elements.namedItem("trust");
  box.hidden = false;
  form.addEventListener("submit", async (event) => {
    if (!wanted.checked || point.value) return;
    event.preventDefault();
    try {
      point.value = await makeKey(form.dataset.keyName);
    } catch {
      wanted.checked = false; // no key, no trust: the code alone goes on
    }
    form.requestSubmit();
  });
}

async function proveDevice(form) {
  const fallback = document.querySelector("[data-fallback]");
  try {
    const { challenge, origin, keyName } = form.dataset;
    form.elements.namedItem("signature").value = await sign(keyName, `passerelle-device:1\n${origin}\n${challenge}`);
    form.submit();
  } catch {
    fallback.submit();
  }
}

if (window.isSecureContext && "indexedDB" in window && crypto.subtle) {
  const codeForm = document.querySelector("form[data-key-name][data-offer]");
  if (codeForm) offerTrust(codeForm);
  const deviceForm = document.querySelector("form[data-challenge]");
  if (deviceForm) proveDevice(deviceForm);
} else {
  document.querySelector("[data-fallback]")?.submit();
}
