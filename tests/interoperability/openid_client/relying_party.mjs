// An application built on the openid-client library, led step by step by a test: one JSON object per line, in and out.
// The library alone decides what it accepts: metadata, `iss` and `state` of the response, the ID token with its signature,
// algorithm and nonce, and that userinfo speaks of the same subject. It never sees the person's pages.

import { createInterface } from "node:readline";
import * as client from "openid-client";

const METHODS = {
  client_secret_basic: client.ClientSecretBasic,
  client_secret_post: client.ClientSecretPost,
  none: client.None,
  private_key_jwt: (secret, { private_jwk }) => signingKey(private_jwk).then(client.PrivateKeyJwt),
};

async function signingKey({ kid, ...jwk }) {
  const key = await crypto.subtle.importKey("jwk", jwk, { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
  return { key, kid };
}

let config;
let bound = {};
let checks;
let tokens;

const steps = {
  async begin({ issuer, client_id, secret, method, redirect_uri, scope, ...given }) {
    config = await client.discovery(
      new URL(issuer),
      client_id,
      { id_token_signed_response_alg: "ES256" },
      await METHODS[method](secret, given),
      // Plain http, on loopback; and the ID token's signature is checked although it comes straight from the provider.
      { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] },
    );
    checks = {
      pkceCodeVerifier: client.randomPKCECodeVerifier(),
      expectedState: client.randomState(),
      expectedNonce: client.randomNonce(),
      idTokenExpected: true,
    };
    // An application of the FAPI 2.0 profile: keys of its own, a pushed request, tokens bound by DPoP.
    if (given.fapi2) {
      bound = { DPoP: client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256")) };
    }
    const asked = {
      redirect_uri,
      scope,
      state: checks.expectedState,
      nonce: checks.expectedNonce,
      code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
      code_challenge_method: "S256",
    };
    const address = given.fapi2
      ? await client.buildAuthorizationUrlWithPAR(config, asked, bound)
      : client.buildAuthorizationUrl(config, asked);
    return address.href;
  },

  async finish({ address }) {
    tokens = await client.authorizationCodeGrant(config, new URL(address), checks, undefined, bound);
    return { id_token: tokens.id_token, claims: tokens.claims() };
  },

  async userinfo() {
    return client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, bound);
  },

  async refresh() {
    tokens = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, bound);
    return { token_type: tokens.token_type, kept: tokens.refresh_token };
  },

  async logout({ post_logout_redirect_uri, state }) {
    return client.buildEndSessionUrl(config, { id_token_hint: tokens.id_token, post_logout_redirect_uri, state }).href;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { step, ...given } = JSON.parse(line);
  let said;
  try {
    said = { done: await steps[step](given) };
  } catch (error) {
    const challenges = [error.cause].flat().map((challenge) => challenge?.parameters?.error);
    said = { refused: [error.code, error.error, error.message, ...challenges].filter(Boolean).join(" · ") };
  }
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
