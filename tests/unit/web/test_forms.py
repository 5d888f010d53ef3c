"""A form is believed when this very browser got it from one of our pages, for this very purpose."""

import pytest

from tests.unit.web.world import BROWSER, HANDLE, ORIGIN, Door

PASSWORD = f"/signin/{HANDLE}/password"
GOOD = {"identifier": "camille.duval", "password": "un bon mot de passe"}


def with_token(door: Door, **more: str) -> dict[str, str]:
    return {"form_token": door.token(door.client, PASSWORD), **GOOD, **more}


POSTS = [
    PASSWORD,
    f"/signin/{HANDLE}/code",
    f"/signin/{HANDLE}/code/resend",
    f"/signin/{HANDLE}/factor",
    f"/signin/{HANDLE}/device",
    f"/signin/{HANDLE}/structure",
    f"/signin/{HANDLE}/consent",
    f"/signin/{HANDLE}/cancel",
    "/forgotten",
    "/activation",
    "/reset",
    "/signout",
]


@pytest.mark.spec("WEB-03")
def test_the_list_of_posts_is_complete(door: Door) -> None:
    posts = {
        rule.rule.replace("<handle>", HANDLE)
        for rule in door.app.url_map.iter_rules()
        if "POST" in (rule.methods or ())
    }
    assert posts == set(POSTS)


@pytest.mark.spec("WEB-03")
@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("token", [None, "", "x", "é", "A" * 43])
def test_no_form_is_taken_without_its_token(door: Door, path: str, token: str | None) -> None:
    response = door.client.post(path, data={} if token is None else {"form_token": token})
    assert response.status_code == 403


@pytest.mark.spec("WEB-03")
@pytest.mark.spec("SES-12")
def test_a_token_serves_neither_another_form_nor_another_browser(door: Door) -> None:
    token = door.token(door.client, "/forgotten")
    assert door.client.post(PASSWORD, data={"form_token": token, **GOOD}).status_code == 403
    token = door.token(door.client, PASSWORD)
    assert door.browser("x" * 43).post(PASSWORD, data={"form_token": token, **GOOD}).status_code == 403
    assert door.browser().post(PASSWORD, data={"form_token": token, **GOOD}).status_code == 403
    assert door.client.post(PASSWORD, data={"form_token": token, **GOOD}).status_code == 303


@pytest.mark.spec("WEB-03")
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": ""},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ORIGIN + ":8443", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "null", "Sec-Fetch-Site": "none"},
    ],
)
def test_a_form_sent_from_elsewhere_is_refused_even_with_its_token(door: Door, headers: dict[str, str]) -> None:
    assert door.client.post(PASSWORD, data=with_token(door), headers=headers).status_code == 403
    assert door.password.contexts == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-origin", "Origin": ORIGIN},
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Origin": ORIGIN},
    ],
)
def test_a_form_of_ours_is_taken(door: Door, headers: dict[str, str]) -> None:
    assert door.client.post(PASSWORD, data=with_token(door), headers=headers).status_code == 303


def test_a_field_given_twice_is_refused(door: Door) -> None:
    fields = {**with_token(door), "identifier": ["camille.duval", "someone.else"]}
    assert door.client.post(PASSWORD, data=fields).status_code == 400


def test_a_nul_character_is_refused(door: Door) -> None:
    assert door.client.post(PASSWORD, data=with_token(door, identifier="a\0b")).status_code == 400


def test_more_than_64_kib_is_refused(door: Door) -> None:
    assert door.client.post(PASSWORD, data=with_token(door, more="x" * 65536)).status_code == 413


def test_too_many_fields_are_refused(door: Door) -> None:
    many = {f"f{number}": "x" for number in range(60)}
    assert door.client.post(PASSWORD, data=with_token(door, **many)).status_code == 400
    parts = {"form_token": "x", **many}
    assert door.client.post(PASSWORD, data=parts, content_type="multipart/form-data").status_code == 413


def test_a_body_that_is_no_form_is_a_form_without_token(door: Door) -> None:
    assert door.client.post(PASSWORD, data=b"\xff{", content_type="application/json").status_code == 403
    broken = door.client.post(PASSWORD, data=b"--x", content_type="multipart/form-data; boundary=y")
    assert broken.status_code in {400, 403}


def test_a_browser_gets_one_pre_session_cookie_and_keeps_it(door: Door) -> None:
    client = door.browser()
    first = client.get("/forgotten").headers.getlist("Set-Cookie")
    assert len(first) == 1 and first[0].startswith("__Host-browser=")
    assert client.get("/forgotten").headers.getlist("Set-Cookie") == []


def test_a_pre_session_cookie_of_another_shape_is_replaced(door: Door) -> None:
    client = door.browser("proposed")
    (made,) = client.get("/forgotten").headers.getlist("Set-Cookie")
    assert "proposed" not in made and BROWSER not in made
