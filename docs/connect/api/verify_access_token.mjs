// Verifies the gateway's access tokens in an API (RFC 9068 §4, RFC 6750 §3, RFC 9449 §7, RFC 8705 §3, RFC 9470).
//
// Take this file as it is: it needs Node 20 (or 18 with --experimental-global-webcrypto) and jose 6, knows no web framework.
// One Gateway and one ResourceServer for the life of the process; `access()` for each request, then the demands of the route.
// Every refusal is an AccessRefused that holds the whole answer: status, headers, body. Its `detail` is for your log alone.
// The same rules, in the same order and under the same names, stand in verify_access_token.py.

import { createHash } from "node:crypto";
import { calculateJwkThumbprint, compactVerify } from "jose";

export const ACCESS_TOKEN_ALGORITHMS = ["ES256"];
export const PROOF_ALGORITHMS = ["ES256", "PS256", "EdDSA"];
const TOKEN_LIMIT = 16 * 1024;
const PROOF_LIMIT = 8 * 1024;
const DOCUMENT_LIMIT = 256 * 1024;
const KEYS_ARE_FRESH_SECONDS = 600;
// How long the keys that are known go on serving when the gateway does not answer.
const KEYS_ARE_BELIEVED_SECONDS = 24 * 3600;
// At most one fetch in this time, whatever key names callers invent.
const FETCH_EVERY_SECONDS = 30;
const LEEWAY_SECONDS = 30;
const PROOF_AGE_SECONDS = 120;
const PROOFS_REMEMBERED = 100_000;
const HABILITATIONS = "/v1/me/habilitations";
// Weakest first, as idp_config/assurance.yaml ranks them.
export const ACR_RANKING = [
  ["urn:passerelle:acr:pwd"],
  ["urn:passerelle:acr:pwd-device"],
  ["urn:passerelle:acr:pwd-otp-mail"],
  ["urn:passerelle:acr:pwd-otp-sms"],
  ["urn:passerelle:acr:pwd-totp"],
  ["urn:passerelle:acr:passkey"],
  ["urn:passerelle:acr:card", "urn:passerelle:acr:psc"],
];

const secondsNow = () => Date.now() / 1000;

// `parameters` are those of WWW-Authenticate; without `scheme` the answer has no such header.
export class AccessRefused extends Error {
  constructor(status, error, detail, { scheme = null, ...parameters } = {}) {
    super(`${error || "no token"}: ${detail}`);
    Object.assign(this, { status, error, detail, scheme, parameters });
  }

  get headers() {
    const headers = { "Content-Type": "application/json", "Cache-Control": "no-store" };
    if (this.scheme === null) return headers;
    const said = { ...(this.error ? { error: this.error } : {}), ...this.parameters };
    const words = Object.entries(said).map(([name, value]) => `${name}=${quoted(value)}`);
    let challenge = `${this.scheme} ${words.join(", ")}`.trimEnd();
    // No token at all: the caller may come with either kind.
    if (!this.error) challenge += `, DPoP algs="${PROOF_ALGORITHMS.join(" ")}"`;
    return { ...headers, "WWW-Authenticate": challenge };
  }

  get body() {
    return JSON.stringify({ error: this.error || "unauthorized" });
  }
}

// The keys cannot be had: not the caller's fault, so 503 and no challenge.
export class GatewayUnreachable extends AccessRefused {
  constructor(detail) {
    super(503, "temporarily_unavailable", detail);
  }

  get headers() {
    return { ...super.headers, "Retry-After": String(FETCH_EVERY_SECONDS) };
  }
}

// The token says itself that it does not hold all the rights: the answer is at `address`, asked with the same token.
export class RightsNotInToken extends AccessRefused {
  constructor(address) {
    super(403, "rights_not_in_token", `ask ${address}`);
    this.address = address;
  }
}

// ── the gateway's keys ──

// The published keys of `issuer`, kept; fetched anew when they are old, or when a token names an unknown one.
export class Gateway {
  #keys = new Map();
  #fetchedAt = null;
  #triedAt = null;
  #underWay = null;
  #fetch;
  #now;

  constructor(issuer, { fetch = fetched, now = secondsNow } = {}) {
    this.issuer = issuer;
    this.#fetch = fetch;
    this.#now = now;
  }

  // Nothing: the gateway publishes no such key. Throws GatewayUnreachable.
  async key(kid) {
    const now = this.#now();
    const known = this.#keys.has(kid);
    if (!known || this.#olderThan(KEYS_ARE_FRESH_SECONDS, now)) {
      const fetching = this.#fetchIfAllowed(now);
      if (!known) await fetching; // who knows the key does not wait
    }
    if (this.#olderThan(KEYS_ARE_BELIEVED_SECONDS, now)) {
      await this.#underWay;
      if (this.#olderThan(KEYS_ARE_BELIEVED_SECONDS, now)) throw new GatewayUnreachable("its keys could not be fetched");
    }
    return this.#keys.get(kid);
  }

  #olderThan(seconds, now) {
    return this.#fetchedAt === null || now - this.#fetchedAt > seconds;
  }

  #fetchIfAllowed(now) {
    if (this.#underWay !== null) return this.#underWay;
    if (this.#triedAt !== null && Math.abs(now - this.#triedAt) < FETCH_EVERY_SECONDS) return null;
    this.#triedAt = now;
    this.#underWay = this.#fetchAll(now)
      .catch(() => {}) // those that are known go on serving
      .finally(() => {
        this.#underWay = null;
      });
    return this.#underWay;
  }

  async #fetchAll(now) {
    const configuration = object(await this.#fetch(`${this.issuer}/.well-known/openid-configuration`));
    if (configuration.issuer !== this.issuer) return;
    const published = object(await this.#fetch(String(configuration.jwks_uri))).keys;
    const keys = new Map();
    for (const jwk of Array.isArray(published) ? published : []) {
      // A key of a kind that this file does not know is somebody else's.
      if (typeof jwk?.kid === "string" && (jwk.use ?? "sig") === "sig" && isPublic(jwk)) keys.set(jwk.kid, jwk);
    }
    if (keys.size > 0) [this.#keys, this.#fetchedAt] = [keys, now];
  }
}

const isPublic = (jwk) => ["EC", "OKP", "RSA"].includes(jwk?.kty) && !("d" in jwk) && !("k" in jwk);

async function fetched(address) {
  const { protocol, hostname } = new URL(address);
  if (protocol !== "https:" && !["localhost", "127.0.0.1", "[::1]"].includes(hostname)) {
    throw new Error("https alone, but on this machine");
  }
  const answer = await fetch(address, { redirect: "error", signal: AbortSignal.timeout(5000) });
  const content = await answer.text();
  if (!answer.ok || content.length > DOCUMENT_LIMIT) throw new Error("no document, or too long");
  return content;
}

// ── the token: what is in it is believed when every check has passed, and not before ──

class Draft {
  constructor(given) {
    Object.assign(this, { header: {}, claims: {}, key: undefined, ...given });
  }

  refused(detail, error = "invalid_token") {
    const parameters = this.scheme === "DPoP" ? { algs: PROOF_ALGORITHMS.join(" ") } : {};
    return new AccessRefused(401, error, detail, { scheme: this.scheme, ...parameters });
  }
}

const checks = {
  token_is_readable(draft) {
    try {
      [draft.header, draft.claims] = unverified(draft.token, TOKEN_LIMIT);
    } catch (error) {
      throw draft.refused(`unreadable: ${error.message}`);
    }
  },

  // So that an ID token or a logout token, signed by the same keys, opens nothing.
  typ_is_access_token(draft) {
    if (!["at+jwt", "application/at+jwt"].includes(String(draft.header.typ).toLowerCase())) {
      throw draft.refused(`typ ${draft.header.typ}`);
    }
  },

  algorithm_is_on_the_list(draft) {
    if (!ACCESS_TOKEN_ALGORITHMS.includes(draft.header.alg)) throw draft.refused(`alg ${draft.header.alg}`);
  },

  nothing_unknown_is_critical(draft) {
    if ("crit" in draft.header) throw draft.refused("crit");
  },

  // By `kid` alone: a key, or an address of one, inside the token is never read.
  async key_is_published(draft) {
    const { kid } = draft.header;
    draft.key = typeof kid === "string" ? await draft.server.gateway.key(kid) : undefined;
    if (draft.key === undefined) throw draft.refused(`kid ${kid}`);
  },

  async signature_is_right(draft) {
    if (!(await isSigned(draft.token, draft.key, draft.header.alg))) throw draft.refused("signature");
  },

  issuer_is_the_gateway(draft) {
    if (draft.claims.iss !== draft.server.gateway.issuer) throw draft.refused(`iss ${draft.claims.iss}`);
  },

  audience_is_this_api(draft) {
    if (![draft.claims.aud].flat().includes(draft.server.audience)) throw draft.refused(`aud ${draft.claims.aud}`);
  },

  token_has_not_expired(draft) {
    if (draft.now >= number(draft, "exp") + LEEWAY_SECONDS) throw draft.refused("exp");
  },

  token_has_begun(draft) {
    if ("nbf" in draft.claims && draft.now < number(draft, "nbf") - LEEWAY_SECONDS) throw draft.refused("nbf");
  },

  token_is_not_of_tomorrow(draft) {
    if (draft.now < number(draft, "iat") - LEEWAY_SECONDS) throw draft.refused("iat");
  },

  names_are_there(draft) {
    for (const name of ["sub", "client_id", "jti"]) {
      if (typeof draft.claims[name] !== "string" || !draft.claims[name]) throw draft.refused(`${name} is missing`);
    }
  },

  // A token bound in a manner that this file cannot check is refused, as one bound otherwise than it came.
  binding_is_known(draft) {
    const confirmation = draft.claims.cnf ?? {};
    const names = isObject(confirmation) ? Object.keys(confirmation) : ["?"];
    if (!names.every((name) => ["jkt", "x5t#S256"].includes(name))) throw draft.refused("cnf");
    if ("jkt" in confirmation !== (draft.scheme === "DPoP")) {
      throw draft.refused("bound or not, it came under the other scheme");
    }
  },

  // RFC 8705 §3: the certificate of this very connection, as your TLS end gives it.
  certificate_is_the_tokens(draft) {
    const wanted = draft.claims.cnf?.["x5t#S256"];
    if (wanted !== undefined && (!draft.certificate || wanted !== sha256(draft.certificate))) {
      throw draft.refused("another certificate, or none");
    }
  },

  // RFC 9449 §7.1 and §4.3.
  async proof_comes_with_it(draft) {
    if (draft.claims.cnf?.jkt === undefined) return;
    const proof = new ProofDraft(draft);
    for (const check of draft.server.proofChecks) await check(proof);
  },
};

export const CHECKS = Object.values(checks);

// ── the DPoP proof ──

class ProofDraft {
  constructor(draft) {
    Object.assign(this, { of: draft, proof: draft.proof ?? "", header: {}, claims: {} });
  }

  refused(detail) {
    return this.of.refused(detail, "invalid_dpop_proof");
  }

  async thumbprint() {
    return calculateJwkThumbprint(this.header.jwk).catch(() => "");
  }
}

const proofChecks = {
  proof_is_readable(proof) {
    try {
      [proof.header, proof.claims] = unverified(proof.proof, PROOF_LIMIT);
    } catch (error) {
      throw proof.refused(`no proof: ${error.message}`);
    }
  },

  proof_is_a_proof(proof) {
    if (proof.header.typ !== "dpop+jwt") throw proof.refused("typ");
  },

  proof_has_a_listed_algorithm(proof) {
    if (!PROOF_ALGORITHMS.includes(proof.header.alg) || "crit" in proof.header) throw proof.refused("alg");
  },

  async proof_is_signed_by_its_key(proof) {
    const { alg, jwk } = proof.header;
    if (!isPublic(jwk) || !(await isSigned(proof.proof, jwk, alg))) throw proof.refused("signature");
  },

  proof_is_of_this_method(proof) {
    if (proof.claims.htm !== proof.of.method) throw proof.refused("htm");
  },

  proof_is_of_this_address(proof) {
    const named = normal(proof.claims.htu);
    if (named === null || named !== normal(proof.of.url)) throw proof.refused("htu");
  },

  proof_is_of_now(proof) {
    const made = proof.claims.iat;
    const { now } = proof.of;
    if (typeof made !== "number" || !(now - PROOF_AGE_SECONDS < made && made <= now + LEEWAY_SECONDS)) {
      throw proof.refused("iat");
    }
  },

  proof_is_of_this_token(proof) {
    if (proof.claims.ath !== sha256(proof.of.token)) throw proof.refused("ath");
  },

  async proof_is_of_the_tokens_key(proof) {
    if ((await proof.thumbprint()) !== proof.of.claims.cnf.jkt) throw proof.of.refused("the proof is of another key");
  },

  async proof_is_used_once(proof) {
    const { jti } = proof.claims;
    if (typeof jti !== "string" || jti.length === 0 || jti.length > 256) throw proof.refused("jti is missing");
    const until = proof.of.now + PROOF_AGE_SECONDS + LEEWAY_SECONDS;
    if (!(await proof.of.server.spendProof(`${await proof.thumbprint()} ${jti}`, until))) {
      throw proof.refused("jti was used before");
    }
  },
};

export const PROOF_CHECKS = Object.values(proofChecks);

// In the memory of one process. With several, give ResourceServer a function over your Redis (SET key NX EX) instead.
export class SpentProofs {
  #until = new Map();
  #now;

  constructor(now) {
    this.#now = now;
  }

  // False: it was spent before.
  spend(name, until) {
    for (const [oldest, end] of this.#until) {
      if (end >= this.#now() && this.#until.size <= PROOFS_REMEMBERED) break;
      this.#until.delete(oldest);
    }
    if (this.#until.has(name)) return false;
    this.#until.set(name, until);
    return true;
  }
}

// ── the request ──

// `audience`: that of the application's file, exactly. `acrRanking`: yours, when the gateway's operator changed it.
export class ResourceServer {
  constructor(gateway, audience, options = {}) {
    const now = options.now ?? secondsNow;
    const spent = new SpentProofs(now);
    Object.assign(this, {
      gateway,
      audience,
      now,
      acrRanking: ACR_RANKING,
      spendProof: (name, until) => spent.spend(name, until),
      checks: CHECKS,
      proofChecks: PROOF_CHECKS,
      ...options,
    });
  }

  // The access that this request has. `url` is the one that the caller typed, before any proxy; `certificate` the DER form
  // of the TLS client certificate, from your TLS end and nobody else. Throws AccessRefused.
  async access(method, url, headers, { certificate = null } = {}) {
    const said = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
    const [, scheme = "", token = ""] = /^(\S*) *(.*)$/s.exec(said.authorization ?? "") ?? [];
    const kind = { bearer: "Bearer", dpop: "DPoP" }[scheme.toLowerCase()];
    if (kind === undefined) throw new AccessRefused(401, "", "no access token", { scheme: "Bearer" });
    const draft = new Draft({
      server: this, token: token.trim(), scheme: kind, method, url, proof: said.dpop, certificate, now: this.now(),
    }); // prettier-ignore
    for (const check of this.checks) await check(draft);
    return new Access(draft);
  }
}

// A verified token, and what a route may demand of it. Every demand throws AccessRefused, or gives nothing.
export class Access {
  #server;
  #now;
  #scheme;

  constructor({ claims, server, scheme, now }) {
    this.claims = claims;
    [this.#server, this.#scheme, this.#now] = [server, scheme, now];
  }

  get subject() {
    return this.claims.sub;
  }

  // An application for itself (client_credentials): nobody is behind it.
  get isService() {
    return this.claims.sub === this.claims.client_id;
  }

  // The active structure's identifier.
  get structure() {
    return this.claims.structure?.id ?? null;
  }

  demandPerson() {
    if (this.isService) throw new AccessRefused(403, "person_wanted", "a service's token");
  }

  demandScopes(...scopes) {
    const held = String(this.claims.scope ?? "").split(" ");
    if (!scopes.every((scope) => held.includes(scope))) {
      throw new AccessRefused(403, "insufficient_scope", "scope", { scheme: this.#scheme, scope: scopes.join(" ") });
    }
  }

  // In the active structure. Another token would not say otherwise, so there is no challenge.
  demandEntitlements(...entitlements) {
    this.#demand("entitlements", entitlements);
  }

  demandRoles(...roles) {
    this.#demand("roles", roles);
  }

  // That the person acts for the structure whose data is asked. Else the application starts again with `structure=`.
  demandStructure(structureId) {
    if (this.structure !== structureId) throw new AccessRefused(403, "wrong_structure", `acts for ${this.structure}`);
  }

  // In any structure that the token lists. Throws RightsNotInToken when the list was capped before it.
  rolesIn(structureId) {
    const listed = Array.isArray(this.claims.structures) ? this.claims.structures : [];
    const found = listed.find((structure) => structure?.id === structureId);
    if (found) return found.roles ?? [];
    if (this.claims.structures_truncated || this.claims.roles_overflow) throw this.#elsewhere();
    return [];
  }

  // RFC 9470 §3: at least this level. The challenge names every level that would do, weakest first.
  demandLevel(acr) {
    const ranking = this.#server.acrRanking;
    const rankOf = (name) => ranking.findIndex((names) => names.includes(name));
    if (rankOf(acr) < 0) throw new Error(`${acr} has no rank`);
    if (rankOf(this.claims.acr) < rankOf(acr)) {
      throw this.#stronger("acr", { acr_values: ranking.slice(rankOf(acr)).flat().join(" ") });
    }
  }

  // RFC 9470 §3: that the person proved who she is at most `maxAge` seconds ago.
  demandRecent(maxAge) {
    const proved = this.claims.auth_time;
    if (!Number.isInteger(proved) || this.#now - proved > maxAge) throw this.#stronger("auth_time", { max_age: maxAge });
  }

  #demand(kind, wanted) {
    if (this.claims.roles_overflow) throw this.#elsewhere();
    const held = Array.isArray(this.claims[kind]) ? this.claims[kind] : [];
    if (!wanted.every((one) => held.includes(one))) throw new AccessRefused(403, "insufficient_rights", kind);
  }

  #elsewhere() {
    return new RightsNotInToken(this.#server.gateway.issuer + HABILITATIONS);
  }

  #stronger(detail, parameters) {
    return new AccessRefused(401, "insufficient_user_authentication", detail, { scheme: this.#scheme, ...parameters });
  }
}

// ── small print ──

// Header and payload of a compact JWS that nobody has verified.
function unverified(token, limit) {
  const parts = token.split(".");
  if (token.length > limit || !/^[\w.-]+$/.test(token) || parts.length !== 3) throw new Error("size or shape");
  return parts.slice(0, 2).map((part) => object(Buffer.from(part, "base64url").toString("utf8")));
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

// A JSON object in which no member is written twice: two readers could each see another one.
function object(text) {
  const read = JSON.parse(text);
  if (!isObject(read)) throw new Error("no object");
  const open = [];
  for (const [word, , colon] of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}]/g)) {
    if (word === "{") open.push(new Set());
    else if (word === "}") open.pop();
    else if (colon) {
      const name = JSON.parse(word.slice(0, -colon.length));
      if (open.at(-1).has(name)) throw new Error("a member twice");
      open.at(-1).add(name);
    }
  }
  return read;
}

async function isSigned(token, jwk, algorithm) {
  try {
    await compactVerify(token, jwk, { algorithms: [algorithm] });
    return true;
  } catch {
    return false;
  }
}

function number(draft, name) {
  const value = draft.claims[name];
  if (typeof value !== "number") throw draft.refused(`${name} is missing`);
  return value;
}

const sha256 = (octets) => createHash("sha256").update(octets).digest("base64url");

// Without query and fragment; scheme, host, port and escaped characters as RFC 3986 §6.2 compares them, for frameworks hand on
// a path that they have unescaped. An escaped slash is no slash.
function normal(address) {
  try {
    const { protocol, host, pathname } = new URL(address);
    return `${protocol}//${host}${pathname.split("/").map(escaped).join("/")}`;
  } catch {
    return null;
  }
}

function escaped(segment) {
  try {
    return encodeURIComponent(decodeURIComponent(segment));
  } catch {
    return segment; // no text: as it is
  }
}

const quoted = (value) => (typeof value === "number" ? String(value) : `"${value.replace(/[\\"]/g, "")}"`);
