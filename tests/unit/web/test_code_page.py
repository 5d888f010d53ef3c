"""The code form: one field, a masked contact, another sending that answers the same, and the offer to trust the device."""

import base64

import pytest

from gateway.signin.journey import Step
from gateway.signin.one_time_code.pages import public_point
from gateway.signin.one_time_code.signin import CodeDead, CodeRefused
from tests.unit.web.test_password_page import Fields
from tests.unit.web.world import CAMILLE, HANDLE, Door

PAGE = f"/signin/{HANDLE}/code"
RESEND = f"{PAGE}/resend"
POINT = base64.urlsafe_b64encode(b"\x04" + bytes(64)).decode().rstrip("=")


@pytest.fixture
def door() -> Door:
    door = Door()
    door.send(f"/signin/{HANDLE}/password", identifier="camille.duval", password="un bon mot de passe")
    assert door.journey.step is Step.CODE
    return door


@pytest.mark.spec("A11Y-03")
def test_the_code_is_one_field_that_phones_and_browsers_fill(door: Door) -> None:
    fields = Fields(door.client.get(PAGE).get_data(as_text=True))
    code = fields.inputs["code"]
    assert [name for name, field in fields.inputs.items() if field["type"] == "text"] == ["code"]
    assert (code["autocomplete"], code["inputmode"]) == ("one-time-code", "numeric")
    assert "pattern" not in code and int(code["maxlength"] or 0) > 16
    assert "code" in fields.labels


@pytest.mark.spec("A11Y-03", "AC-149")
@pytest.mark.parametrize(
    "typed", ["12345678", " 1234 5678 ", "1234-5678", "12.34.56.78", "1234\u00a05678", "1234\u202f5678\t"]
)
def test_spaces_in_a_code_do_not_count(door: Door, typed: str) -> None:
    assert door.send(PAGE, code=typed).status_code == 303
    assert door.codes.submitted == ["12345678"]


def test_the_page_shows_the_masked_contact_and_never_the_address(door: Door) -> None:
    html = door.client.get(PAGE).get_data(as_text=True)
    assert "c•••@d•••.test" in html and CAMILLE.email not in html


def test_without_a_contact_the_page_says_so_little(door: Door) -> None:
    door.codes.contact = ""
    assert "votre contact enregistré" in door.client.get(PAGE).get_data(as_text=True)


def test_a_wrong_code_tells_the_tries_left(door: Door) -> None:
    door.codes.refusal = CodeRefused(attempts_left=2)
    response = door.send(PAGE, code="00000000")
    assert response.status_code == 422
    assert "Essais restants\u00a0: 2" in response.get_data(as_text=True)


def test_a_dead_code_leads_to_a_new_one(door: Door) -> None:
    door.codes.refusal = CodeDead()
    response = door.send(PAGE, code="00000000")
    assert response.status_code == 422
    assert f'action="{RESEND}"' in response.get_data(as_text=True)


@pytest.mark.spec("OTP-11")
def test_sending_again_answers_the_same_whoever_gets_the_message(door: Door) -> None:
    answers = []
    for contact in ("c•••@d•••.test", ""):
        door.codes.contact = contact
        response = door.send(PAGE, action=RESEND)
        answers.append((response.status_code, response.headers["Location"], response.data))
    assert answers[0] == answers[1] == (303, f"{PAGE}?sent", b"")
    assert 'role="status"' in door.client.get(f"{PAGE}?sent").get_data(as_text=True)


def test_too_soon_tells_the_wait(door: Door) -> None:
    door.codes.too_soon = 45
    response = door.send(PAGE, action=RESEND)
    assert response.headers["Location"] == f"{PAGE}?wait=45"
    assert "45\u00a0secondes" in door.client.get(response.headers["Location"]).get_data(as_text=True)


@pytest.mark.parametrize("wait", ["-1", "x", "١", "99999", "", "9" * 5000])
def test_a_wait_that_is_not_ours_is_ignored(door: Door, wait: str) -> None:
    response = door.client.get(PAGE, query_string={"wait": wait})
    assert response.status_code == 200 and "data-wait" not in response.get_data(as_text=True)


def test_another_channel_may_be_chosen(door: Door) -> None:
    token = door.token(door.client, PAGE, action=RESEND)
    assert "Recevoir le code par SMS" in door.client.get(PAGE).get_data(as_text=True)
    door.client.post(RESEND, data={"form_token": token, "channel": "sms"})
    assert door.codes.sent[-1] == "start:sms"
    door.client.post(RESEND, data={"form_token": token, "channel": "pigeon"})
    assert door.codes.sent[-1] == "resend"


def test_without_script_no_trust_is_offered_nor_taken(door: Door) -> None:
    assert "data-trust-box hidden" in door.client.get(PAGE).get_data(as_text=True)
    response = door.send(PAGE, code="12345678", trust="yes")
    assert door.codes.points == [None]
    assert not any("__Host-device" in line for line in response.headers.getlist("Set-Cookie"))


def test_a_trusted_device_is_named_in_a_cookie_and_found_at_the_next_sign_in(door: Door) -> None:
    agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
    door.client.environ_base["HTTP_USER_AGENT"] = agent
    door.send(PAGE, code="12345678", trust="yes", device_public_key=POINT)
    assert door.codes.points == [b"\x04" + bytes(64)]
    assert door.codes.labels == ["Firefox sur Windows"]
    door.client.get(f"/signin/{HANDLE}")
    assert door.journey.device_ids[-1] == "device-1"


def test_no_trust_is_offered_where_a_code_is_asked_each_time() -> None:
    door = Door(trust_days=0)
    door.journey.step = Step.CODE
    assert 'name="trust"' not in door.client.get(PAGE).get_data(as_text=True)
    door.send(PAGE, code="12345678", trust="yes", device_public_key=POINT)
    assert door.codes.points == [None]


def test_a_key_without_the_ticked_box_is_ignored(door: Door) -> None:
    door.send(PAGE, code="12345678", device_public_key=POINT)
    assert door.codes.points == [None]


@pytest.mark.parametrize("unverified", ["", POINT[:-1], POINT + "A", "A" * 87, "é" * 87, "=" * 87])
def test_what_is_no_point_of_the_curve_is_no_key(unverified: str) -> None:
    assert public_point(unverified) is None
