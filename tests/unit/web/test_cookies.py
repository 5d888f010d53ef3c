"""The cookies a browser may be given, and when they leave it."""

import re

import pytest
from werkzeug.test import TestResponse

from gateway.signin.device.cookie import device_of, key_name, with_device
from gateway.signin.journey import Step
from gateway.web.csrf import FIELD, form_token
from tests.unit.web.world import BROWSER, CAMILLE, HANDLE, LINK, Door, session


def cookies_of(response: TestResponse) -> dict[str, str]:
    return {line.partition("=")[0]: line for line in response.headers.getlist("Set-Cookie")}


def complete(door: Door) -> TestResponse:
    door.journey.step = Step.COMPLETE
    return door.client.get(f"/signin/{HANDLE}")


def sign_out(door: Door) -> TestResponse:
    """By a form of « Mon compte », which is not behind this door."""
    return door.client.post("/signout", data={FIELD: form_token(door.shell._form_mac, BROWSER, "signout")})


@pytest.mark.spec("SES-01")
def test_the_session_cookie_is_a_bare_random_handle_for_this_host_only(door: Door) -> None:
    cookie = cookies_of(complete(door))["__Host-session"]
    value, *attributes = cookie.partition("=")[2].split("; ")
    assert value == session().handle
    assert len(value) >= 22  # 128 bits in base64url
    assert set(attributes) == {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}


@pytest.mark.spec("SES-01")
def test_every_cookie_is_host_bound_secure_and_out_of_reach_of_scripts(door: Door) -> None:
    responses = [
        complete(door),
        door.browser().get("/forgotten?ui_locales=en"),
        door.client.get(f"/activation/{LINK}"),
        door.client.get("/reset"),
    ]
    lines = [line for response in responses for line in response.headers.getlist("Set-Cookie")]
    assert {line.partition("=")[0] for line in lines} == {
        "__Host-session",
        "__Host-known",
        "__Host-browser",
        "__Host-language",
        "__Host-link",
    }
    for line in lines:
        assert line.startswith("__Host-")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(line.split("; "))
        assert "Domain" not in line


@pytest.mark.spec("SES-01")
def test_no_cookie_says_who_the_person_is(door: Door) -> None:
    assert CAMILLE.id not in with_device(None, CAMILLE.id, "device-1")


@pytest.mark.spec("SES-05")
def test_signing_out_ends_the_session_and_clears_what_the_browser_kept_of_it(door: Door) -> None:
    door.gate.session = session()
    door.client.set_cookie("__Host-session", session().handle)
    response = sign_out(door)
    assert door.gate.ended == [session().handle]
    assert re.match(r"__Host-session=; Expires=Thu, 01 Jan 1970", cookies_of(response)["__Host-session"])
    assert response.headers["Clear-Site-Data"] == '"cache"'
    assert response.headers["Cache-Control"] == "no-store"
    assert "fermée" in door.client.get(response.headers["Location"]).get_data(as_text=True)


def test_signing_out_keeps_the_trusted_device(door: Door) -> None:
    door.gate.session = session()
    door.client.set_cookie("__Host-session", session().handle)
    assert "__Host-device" not in cookies_of(sign_out(door))


def test_people_who_share_a_browser_keep_each_their_device() -> None:
    cookie = with_device(with_device(None, "anna", "d1"), "bruno", "d2")
    assert (device_of(cookie, "anna"), device_of(cookie, "bruno")) == ("d1", "d2")
    assert device_of(with_device(cookie, "anna", "d3"), "anna") == "d3"
    assert device_of(cookie, "carla") is None
    assert device_of(cookie, None) is None


def test_the_device_cookie_holds_the_six_newest() -> None:
    cookie = None
    for number in range(8):
        cookie = with_device(cookie, f"account-{number}", f"d{number}")
    assert [device_of(cookie, f"account-{number}") for number in (0, 1, 2, 7)] == [None, None, "d2", "d7"]


@pytest.mark.parametrize("nonsense", ["", "|", "x", f"{key_name('anna')}:", f"{key_name('anna')}:<b>", "a" * 5000])
def test_a_device_cookie_we_did_not_write_names_no_device(nonsense: str) -> None:
    assert device_of(nonsense, "anna") is None
