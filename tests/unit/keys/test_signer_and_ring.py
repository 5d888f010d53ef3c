"""What the signer accepts and refuses, and how the ring reads its store."""

import base64
import hashlib
import hmac
import json
import warnings
from dataclasses import replace

import pytest
from joserfc import jws, jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import KeySet, RSAKey

from gateway.keys.key_ring import KeyRing, NoActiveKeyError
from gateway.keys.rotation import new_key
from gateway.keys.signer import Signer, TokenRefused
from gateway.keys.signing_key import Algorithm, KeyState, SigningKey
from gateway.randomness import system_randomness

NOW = 1_800_000_000.0
ES = new_key(Algorithm.ES256, KeyState.ACTIVE, now=0.0, randomness=system_randomness)
RS = new_key(Algorithm.RS256, KeyState.ACTIVE, now=0.0, randomness=system_randomness, rsa_bits=2048)
PS = new_key(Algorithm.PS256, KeyState.ACTIVE, now=0.0, randomness=system_randomness, rsa_bits=2048)
ED = new_key(Algorithm.EDDSA, KeyState.ACTIVE, now=0.0, randomness=system_randomness)
CLAIMS = {"iss": "https://portail.example", "aud": "api", "sub": "é", "iat": int(NOW), "exp": int(NOW) + 300}


class Clock:
    time = NOW

    def now(self) -> float:
        return self.time


class Store:
    def __init__(self, *keys: SigningKey) -> None:
        self.keys = list(keys)
        self.number = 1
        self.readings = 0

    def all(self):
        self.readings += 1
        return list(self.keys)

    def version(self) -> int:
        return self.number

    def replace(self, keys, *, expected_version, effects) -> None:
        raise NotImplementedError


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> Store:
    return Store(ES, RS, PS, ED)


@pytest.fixture
def ring(store, clock) -> KeyRing:
    return KeyRing(store, clock=clock)


@pytest.fixture
def signer(ring) -> Signer:
    return Signer(ring)


def verify(signer: Signer, token: str, **changes):
    expected = {
        "expected_typ": "at+jwt", "expected_issuer": "https://portail.example", "expected_audience": "api", "now": NOW,
    }  # fmt: skip
    return signer.verify(token, **{**expected, **changes})


def encoded(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def with_header(token: str, **changes: object) -> str:
    """The token with another header; its signature is then wrong, but the header must be refused before that."""
    head, _, rest = token.partition(".")
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    header = {name: value for name, value in {**header, **changes}.items() if value is not None}
    return f"{encoded(header)}.{rest}"


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_what_was_signed_verifies_here_and_for_whoever_reads_the_published_keys(signer, ring, algorithm):
    token = signer.sign(CLAIMS, typ="at+jwt", algorithm=algorithm)
    assert verify(signer, token) == CLAIMS
    (published,) = [key for key in ring.jwks()["keys"] if key["alg"] == algorithm]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # of the name EdDSA
        read = jwt.decode(token, KeySet.import_key_set({"keys": [published]}), algorithms=[str(algorithm)])
    assert read.claims == CLAIMS


@pytest.mark.spec("TOK-01")
@pytest.mark.parametrize("key", [RS, PS], ids=["RS256", "PS256"])
def test_the_two_rsa_algorithms_have_a_key_each_and_do_not_stand_in_for_one_another(signer, key):
    """The signature is right by the other algorithm: only the binding of key and algorithm refuses it."""
    other = "PS256" if key is RS else "RS256"
    header = {"alg": other, "kid": key.kid, "typ": "at+jwt"}
    token = jws.serialize_compact(header, json.dumps(CLAIMS), RSAKey.import_key(key.private_pem), algorithms=[other])
    with pytest.raises(TokenRefused):
        verify(signer, token)


@pytest.mark.spec("TOK-01")
def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(signer):
    body = f"{encoded({'alg': 'HS256', 'kid': RS.kid, 'typ': 'at+jwt'})}.{encoded(CLAIMS)}"
    for secret in (json.dumps(dict(RS.public_jwk)).encode(), RS.public_jwk["n"].encode(), RS.private_pem):
        mac = hmac.digest(secret, body.encode(), hashlib.sha256)
        with pytest.raises(TokenRefused, match="algorithm"):
            verify(signer, f"{body}.{encoded(mac)}")


@pytest.mark.spec("TOK-01")
@pytest.mark.parametrize("alg", ["none", "None", "NONE", "HS256", "RS256", "ES384", "", "EdDSA"])
def test_the_algorithm_is_the_keys_own_never_the_tokens_choice(signer, alg):
    token = signer.sign(CLAIMS, typ="at+jwt", algorithm=Algorithm.ES256)
    with pytest.raises(TokenRefused, match="algorithm"):
        verify(signer, with_header(token, alg=alg))
    with pytest.raises(TokenRefused):
        verify(signer, with_header(token, alg="none").rpartition(".")[0] + ".")


@pytest.mark.spec("TOK-01")
@pytest.mark.parametrize(
    "changes",
    [
        {"crit": ["exp"]}, {"jku": "https://evil.example/jwks"}, {"jwk": dict(ES.public_jwk)}, {"x5u": "https://e"},
        {"x5c": ["x"]}, {"b64": False}, {"cty": "JWT"}, {"kid": None}, {"alg": None}, {"typ": None}, {"kid": 1},
        {"kid": ["x"]},
    ],
)  # fmt: skip
def test_a_header_with_anything_more_or_less_is_refused_before_any_cryptography(signer, changes):
    token = signer.sign(CLAIMS, typ="at+jwt", algorithm=Algorithm.ES256)
    with pytest.raises(TokenRefused, match="header members"):
        verify(signer, with_header(token, **changes))


@pytest.mark.spec("KEY-05")
@pytest.mark.parametrize("kid", ["", "unknown", "../../etc/passwd", "' OR 1=1 --", "\0"])
def test_an_unknown_key_name_is_refused_and_never_read_from_the_store(signer, store, ring, kid):
    token = signer.sign(CLAIMS, typ="at+jwt", algorithm=Algorithm.ES256)
    with pytest.raises(TokenRefused, match="unknown key"):
        verify(signer, with_header(token, kid=kid))
    assert store.readings == 1


@pytest.mark.spec("TOK-03")
def test_the_type_is_explicit(signer):
    token = signer.sign(CLAIMS, typ="JWT", algorithm=Algorithm.ES256)
    with pytest.raises(TokenRefused, match="typ"):
        verify(signer, token)


def test_a_tampered_payload_or_signature_is_refused(signer):
    head, _, signature = signer.sign(CLAIMS, typ="at+jwt", algorithm=Algorithm.ES256).split(".")
    with pytest.raises(TokenRefused, match="signature"):
        verify(signer, f"{head}.{encoded({**CLAIMS, 'sub': 'other'})}.{signature}")
    with pytest.raises(TokenRefused, match="signature"):
        verify(signer, f"{head}.{encoded(CLAIMS)}.{'A' * len(signature)}")


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b.c", "x" * 20_000, "é.b.c", "e30", encoded(b"[" * 3000) + ".e30.x", "\0"]
)
def test_what_is_not_a_token_is_refused(signer, token):
    with pytest.raises(TokenRefused):
        verify(signer, token)


@pytest.mark.spec("TOK-04")
@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"}, {"aud": "other"}, {"aud": ["api"]}, {"aud": None}, {"exp": "x"},
        {"exp": True}, {"iat": None}, {"exp": int(NOW)}, {"iat": int(NOW) + 61},
    ],
)  # fmt: skip
def test_claims_that_are_not_for_here_and_now_are_refused(signer, changes):
    token = signer.sign({**CLAIMS, **changes}, typ="at+jwt", algorithm=Algorithm.ES256)
    with pytest.raises(TokenRefused):
        verify(signer, token)


def test_an_expired_token_is_accepted_only_where_asked(signer):
    token = signer.sign({**CLAIMS, "exp": int(NOW) - 1}, typ="at+jwt", algorithm=Algorithm.ES256)
    assert verify(signer, token, accept_expired=True)


@pytest.mark.spec("KEY-02")
def test_a_staged_and_a_retiring_key_verify_and_are_published_but_do_not_sign(store, clock):
    old = Signer(KeyRing(Store(ES), clock=clock)).sign(CLAIMS, typ="at+jwt", algorithm=Algorithm.ES256)
    newer = new_key(Algorithm.ES256, KeyState.ACTIVE, now=0.0, randomness=system_randomness)
    staged = new_key(Algorithm.ES256, KeyState.STAGED, now=0.0, randomness=system_randomness)
    store.keys = [replace(ES, state=KeyState.RETIRING), newer, staged]
    ring = KeyRing(store, clock=clock)
    assert verify(Signer(ring), old) == CLAIMS
    assert ring.active(Algorithm.ES256).kid == newer.kid
    assert [key["kid"] for key in ring.jwks()["keys"]] == [newer.kid, staged.kid, ES.kid]
    store.keys = [newer, staged]
    with pytest.raises(TokenRefused, match="unknown key"):
        verify(Signer(KeyRing(store, clock=clock)), old)


def test_the_store_is_read_again_only_when_its_version_moved_and_at_most_every_few_seconds(ring, store, clock):
    ring.keep_fresh()
    store.number += 1
    clock.time = NOW + 4.9
    assert not ring.is_due()
    ring.keep_fresh()
    assert store.readings == 1
    clock.time = NOW + 5
    ring.keep_fresh()
    assert store.readings == 2
    clock.time = NOW + 60
    ring.keep_fresh()
    assert store.readings == 2
    assert not ring.is_due()
    clock.time = NOW - 60
    assert ring.is_due()


def test_an_algorithm_without_an_active_key_cannot_sign(clock):
    ring = KeyRing(Store(replace(ES, state=KeyState.STAGED)), clock=clock)
    assert ring.algorithms() == ()
    with pytest.raises(NoActiveKeyError):
        Signer(ring).sign(CLAIMS, typ="at+jwt", algorithm=Algorithm.ES256)


def test_a_key_does_not_show_its_private_half_when_printed(ring):
    assert "PRIVATE" not in repr(ring.active(Algorithm.ES256))
