"""Time-based codes: which are of this moment, and what introduces an application to an account."""

import base64
import re
import xml.etree.ElementTree as ET
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from gateway.signin.one_time_code.code import typed_code
from gateway.signin.totp.application import introduction, new_secret, time_step_of
from tests.fakes import CountedRandomness
from tests.unit.signin.factor_world import Application

RFC_SECRET = b"12345678901234567890"
"""Of the test vectors of RFC 6238, appendix B (SHA-1); their last six digits."""


@pytest.mark.spec("FID-02", "RFC 6238 Appendix B")
@pytest.mark.parametrize(
    ("at", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (2000000000, "279037")],
    ids=["59", "1111111109", "1234567890", "2000000000"],
)
def test_codes_are_those_of_the_rfc(at: int, code: str) -> None:
    assert time_step_of(RFC_SECRET, code, at) == at // 30


@pytest.mark.spec("FID-02")
def test_one_step_to_either_side_is_accepted_and_no_more() -> None:
    now = 1_800_000_000.0
    application = Application(base64.b32encode(RFC_SECRET).decode())
    accepted = {
        steps: time_step_of(RFC_SECRET, application.code(now, steps=steps), now) for steps in (-3, -2, -1, 0, 1, 2, 3)
    }
    step = int(now) // 30
    assert accepted == {-3: None, -2: None, -1: step - 1, 0: step, 1: step + 1, 2: None, 3: None}


@pytest.mark.spec("FID-02")
def test_a_secret_has_160_bits_and_is_never_drawn_twice() -> None:
    randomness = CountedRandomness()
    drawn = {new_secret(randomness) for _ in range(20)}
    assert {len(secret) for secret in drawn} == {20}
    assert len(drawn) == 20


@pytest.mark.spec("LIB-04")
@pytest.mark.parametrize(
    "typed", ["２８７０８２", "287 082", " 287\u00a0082 ", "²⁸⁷⁰⁸²"], ids=["wide", "space", "nbsp", "superscript"]
)
def test_every_way_to_write_the_digits_is_the_same_code_of_the_same_step(typed: str) -> None:
    assert time_step_of(RFC_SECRET, typed_code(typed), 59) == 1


@pytest.mark.parametrize(
    "typed",
    ["", "28708", "2870820", "28708a", "٢٨٧٠٨٢", "28708²", "-28708"],
    ids=["empty", "short", "long", "letter", "arabic", "raw-superscript", "sign"],
)
def test_what_is_not_six_ascii_digits_is_no_code(typed: str) -> None:
    assert time_step_of(RFC_SECRET, typed, 59) is None


@pytest.mark.spec("FID-03")
def test_the_introduction_names_the_service_and_the_user_name_and_draws_the_same_address() -> None:
    shown = introduction(RFC_SECRET, username="n.benali", service="Portail : santé & soins")
    address = urlsplit(shown.address)
    assert (address.scheme, address.netloc) == ("otpauth", "totp")
    assert unquote(address.path) == "/Portail   santé & soins:n.benali"
    said = parse_qs(address.query)
    assert said["secret"] == [shown.secret.replace(" ", "")]
    assert base64.b32decode(said["secret"][0]) == RFC_SECRET
    assert re.fullmatch(r"([A-Z2-7]{4} ){7}[A-Z2-7]{4}", shown.secret)
    drawing = ET.fromstring(shown.qr_code)
    assert drawing.tag == "svg"
    assert {element.tag for element in drawing.iter()} == {"svg", "path"}
    assert not re.search(r"style|href|script|on[a-z]+=", shown.qr_code), "the policy of pages lets nothing of it run"
