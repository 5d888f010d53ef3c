"""The ID token in each algorithm that an application's file may name (DECISIONS 8; OpenID Connect Core §3.1.3.6)."""

import base64
import hashlib
import warnings
from dataclasses import replace

import pytest
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import KeySet

from gateway.keys.signing_key import Algorithm
from tests.protocol.provider import Provider, json_of

HASHES = {"ES256": hashlib.sha256, "RS256": hashlib.sha256, "PS256": hashlib.sha256, "EdDSA": hashlib.sha512}


@pytest.mark.spec("TOK-01", "OpenID Connect Core §3.1.3.6")
@pytest.mark.parametrize("algorithm", [str(algorithm) for algorithm in Algorithm])
def test_a_stranger_verifies_the_id_token_and_the_hash_of_the_access_token_beside_it(
    provider: Provider, algorithm: str
):
    clients = provider.clients.clients
    clients["orientation"] = replace(clients["orientation"], id_token_algorithm=algorithm)
    answer = provider.tokens()
    keys = KeySet.import_key_set(json_of(provider.machine("GET", "/jwks")))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # of the name EdDSA
        token = jwt.decode(answer["id_token"], keys, algorithms=[algorithm])
    assert token.header["alg"] == algorithm
    hashed = HASHES[algorithm](answer["access_token"].encode()).digest()
    half = base64.urlsafe_b64encode(hashed[: len(hashed) // 2]).rstrip(b"=").decode()
    assert token.claims["at_hash"] == half
