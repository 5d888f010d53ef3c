"""Our own writer of ES256 gives what joserfc gives, to the byte, and refuses what joserfc refuses (decision record 0005)."""

import json

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from gateway.keys import es256
from gateway.keys.key_ring import RingKey
from gateway.keys.signing_key import Algorithm

KEY = ECKey.generate_key("P-256")
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
CLAIMS = st.dictionaries(TEXT, VALUES, max_size=8)


class Deterministic:
    """The key, signing as RFC 6979 says, so that two signatures of the same bytes are the same bytes."""

    def sign(self, message: bytes, _algorithm: object) -> bytes:
        return KEY.get_op_key("sign").sign(message, ec.ECDSA(SHA256(), deterministic_signing=True))


class DeterministicKey(ECKey):
    def get_op_key(self, operation):
        return Deterministic() if operation == "sign" else super().get_op_key(operation)


@settings(max_examples=300)
@given(claims=CLAIMS, kid=TEXT, typ=st.sampled_from(["at+jwt", "JWT", "logout+jwt"]) | TEXT)
def test_every_byte_is_the_one_that_joserfc_writes(claims, kid, typ) -> None:
    payload = json.dumps(claims, separators=(",", ":"), ensure_ascii=False).encode()
    assert orjson.dumps(claims) == payload
    theirs = jws.serialize_compact(
        {"alg": "ES256", "kid": kid, "typ": typ},
        payload,
        DeterministicKey.import_key(KEY.as_dict(private=True)),
        algorithms=["ES256"],
    )
    header = RingKey(kid, Algorithm.ES256, KEY).header_segment(typ)
    assert es256.signed(header, payload, Deterministic()) == theirs  # type: ignore[arg-type]


def _token(payload: bytes = b'{"a":1}') -> str:
    return es256.signed(es256.segment(b'{"alg":"ES256"}'), payload, KEY.get_op_key("sign"))


@given(payload=st.binary(max_size=200))
def test_what_it_signs_joserfc_verifies_and_the_other_way_round(payload: bytes) -> None:
    ours = _token(payload)
    assert jws.deserialize_compact(ours, KEY, algorithms=["ES256"]).payload == payload
    theirs = jws.serialize_compact({"alg": "ES256"}, payload, KEY, algorithms=["ES256"])
    assert es256.payload_of(theirs.encode(), KEY.get_op_key("verify")) == payload


@settings(max_examples=500)
@given(data=st.data())
def test_an_altered_token_is_refused_wherever_joserfc_refuses_it(data: st.DataObject) -> None:
    token = _token()
    place = data.draw(st.integers(0, len(token)))
    kept = data.draw(st.integers(0, 2))
    altered = token[:place] + data.draw(st.text(st.sampled_from("AQgw09-_+/=. z"), max_size=3)) + token[place + kept :]
    try:
        theirs = jws.deserialize_compact(altered, KEY, algorithms=["ES256"]).payload
    except (JoseError, ValueError):
        theirs = None
    ours = es256.payload_of(altered.encode(), KEY.get_op_key("verify"))
    assert ours is None or ours == theirs


@pytest.mark.parametrize("end", ["", "=", "A", ".", ".AAAA"])
def test_a_signature_of_another_length_is_refused(end: str) -> None:
    token = _token()
    for altered in (token + end if end else token[:-1], token.rpartition(".")[0] + "." + end):
        assert es256.payload_of(altered.encode(), KEY.get_op_key("verify")) is None


WIDE = st.integers(1, 2**256 - 1) | st.integers(0, 255).flatmap(lambda bits: st.integers(2**bits, 2 ** (bits + 1) - 1))


@given(WIDE, WIDE)
def test_any_signature_in_der_takes_its_fixed_form(r: int, s: int) -> None:
    assert es256._fixed(encode_dss_signature(r, s)) == r.to_bytes(32, "big") + s.to_bytes(32, "big")


@pytest.mark.parametrize("change", [0, 1, 2, -3], ids=["sequence", "length", "first", "second"])
def test_what_is_no_signature_in_der_is_not_read(change: int) -> None:
    der = bytearray(encode_dss_signature(7, 9))
    der[change] ^= 1
    with pytest.raises((ValueError, IndexError)):
        es256._fixed(bytes(der))
