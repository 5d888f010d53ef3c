"""Orientation is an ordinary, careful client: it shows what it received, and refuses every answer that lies."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from dataclasses import replace

import jwt
import pytest
import requests

import sandbox


def new_browser(world, path="/sign-in"):
    browser = requests.Session()
    return browser, browser.get(f"{world.orientation_url}{path}", timeout=10)


def is_signed_in(world, browser):
    return "Se déconnecter" in browser.get(f"{world.orientation_url}/", timeout=10).text


def encoded(part):
    return urlsafe_b64encode(part if isinstance(part, bytes) else json.dumps(part).encode()).rstrip(b"=").decode()


def without_signature(header, claims):
    return f"{encoded({**header, 'alg': 'none'})}.{encoded(claims)}."


def signed_with_the_public_key(provider):
    def sign(header, claims):
        public = json.dumps(provider.jwks()["keys"][0]).encode()
        signed = f"{encoded({**header, 'alg': 'HS256'})}.{encoded(claims)}"
        return f"{signed}.{encoded(hmac.digest(public, signed.encode(), hashlib.sha256))}"

    return sign


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_an_honest_sign_in_shows_the_person_the_rights_and_why(world, provider, algorithm):
    provider.lies.algorithm = algorithm
    _, page = new_browser(world)
    assert page.url == f"{world.orientation_url}/"
    assert "Camille Fictive" in page.text
    held = [code for code in ("notif.declare", "stats.read") if f'data-right="{code}" data-held="yes"' in page.text]
    assert held == ["notif.declare"]
    for reason in ("msph.notif", "Foyer Les Tilleuls", "1er mars 2028"):
        assert reason in page.text


def test_the_request_carries_state_nonce_and_an_s256_challenge(world, provider):
    new_browser(world)
    (asked,) = provider.requests
    assert asked["scope"] == "openid profile ror"
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == f"{world.orientation_url}/callback"
    assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 43


def test_the_page_shows_claims_and_never_a_raw_token(world, provider):
    _, page = new_browser(world)
    assert "at_hash" in page.text
    for token in provider.tokens_given:
        assert token not in page.text
        assert token.split(".")[2] not in page.text


def lies(provider):
    other = "https://autre.example"
    return {
        "answer of another issuer": {"answer": {"iss": other}},
        "answer without issuer": {"answer": {"iss": None}},
        "another state": {"answer": {"state": "autre"}},
        "no state": {"answer": {"state": None}},
        "no code": {"answer": {"code": None}},
        "token of another issuer": {"claims": {"iss": other}},
        "another audience": {"claims": {"aud": "suivi"}},
        "several audiences without authorized party": {"claims": {"aud": ["orientation", "suivi"]}},
        "another authorized party": {"claims": {"azp": "suivi"}},
        "another nonce": {"claims": {"nonce": "autre"}},
        "no nonce": {"claims": {"nonce": None}},
        "expired": {"claims": {"exp": int(provider.now())}},
        "no expiry": {"claims": {"exp": None}},
        "issued tomorrow": {"claims": {"iat": int(provider.now()) + 86_400}},
        "another access token": {"claims": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}},
        "no subject": {"claims": {"sub": ""}},
        "no signature": {"sign": without_signature},
        "signed with the public key as a secret": {"sign": signed_with_the_public_key(provider)},
        "signed by somebody else": {"sign": lambda h, c: jwt.encode(c, provider.forger, "ES256", h)},
        "signature altered": {"sign": lambda h, c: provider.sign(h, c)[:-6] + "AAAAAA"},
        "unknown key": {"header": {"kid": "inconnu"}},
        "an access token in its place": {"header": {"typ": "at+jwt"}},
        "no token at all": {"token": {"id_token": None}},
        "not a token": {"token": {"id_token": "ab.cd"}},
        "a token of another type": {"token": {"token_type": "DPoP"}},
        "userinfo of somebody else": {"userinfo": {"sub": "autre"}},
    }


REFUSED_AS = {
    "answer of another issuer": "wrong_issuer",
    "answer without issuer": "wrong_issuer",
    "another state": "unknown_state",
    "no state": "unknown_state",
    "no code": "no_code",
    "token of another issuer": "wrong_issuer",
    "another audience": "wrong_audience",
    "several audiences without authorized party": "wrong_authorized_party",
    "another authorized party": "wrong_authorized_party",
    "another nonce": "wrong_nonce",
    "no nonce": "wrong_nonce",
    "expired": "expired",
    "no expiry": "missing_claim",
    "issued tomorrow": "issued_in_the_future",
    "another access token": "wrong_access_token_hash",
    "no subject": "missing_claim",
    "no signature": "refused_algorithm",
    "signed with the public key as a secret": "refused_algorithm",
    "signed by somebody else": "bad_signature",
    "signature altered": "bad_signature",
    "unknown key": "unknown_key",
    "an access token in its place": "wrong_token_type",
    "no token at all": "missing_token",
    "not a token": "unreadable_token",
    "a token of another type": "wrong_token_type",
    "userinfo of somebody else": "userinfo_of_somebody_else",
}


@pytest.mark.parametrize("lie", REFUSED_AS)
def test_an_answer_that_lies_in_one_way_signs_nobody_in(world, provider, lie):
    for part, told in lies(provider)[lie].items():
        setattr(provider.lies, part, told)
    browser, page = new_browser(world)
    assert page.status_code == 400
    assert "Recommencez depuis l’accueil" in page.text
    assert f"<code>{REFUSED_AS[lie]}</code>" in page.text
    assert not is_signed_in(world, browser)


def test_the_list_of_lies_is_whole(provider):
    assert lies(provider).keys() == REFUSED_AS.keys()


def test_metadata_of_another_issuer_or_leading_off_this_machine_is_refused(world, provider, options):
    for told in ({"issuer": "https://autre.example"}, {"token_endpoint": "https://autre.example/token"}):
        provider.lies.metadata = told
        with sandbox.run(options) as fresh:
            _, page = new_browser(fresh)
            assert page.status_code == 400
            assert provider.requests == []


def test_one_answer_signs_in_once_and_only_in_the_browser_that_asked(world, provider):
    browser = requests.Session()
    asked = browser.get(f"{world.orientation_url}/sign-in", allow_redirects=False, timeout=10)
    answer = requests.get(asked.headers["Location"], allow_redirects=False, timeout=10).headers["Location"]
    assert requests.get(answer, timeout=10).status_code == 400
    assert browser.get(answer, timeout=10).status_code == 200
    assert browser.get(answer, timeout=10).status_code == 400


def test_an_answer_that_repeats_a_parameter_is_refused(world, provider):
    browser = requests.Session()
    asked = browser.get(f"{world.orientation_url}/sign-in", allow_redirects=False, timeout=10)
    answer = requests.get(asked.headers["Location"], allow_redirects=False, timeout=10).headers["Location"]
    assert "repeated_parameter" in browser.get(f"{answer}&code=autre", timeout=10).text
    assert not is_signed_in(world, browser)


def test_the_cookie_is_out_of_reach_of_scripts_and_changes_at_sign_in(world, provider):
    browser = requests.Session()
    asked = browser.get(f"{world.orientation_url}/sign-in", allow_redirects=False, timeout=10)
    before = browser.cookies["orientation_session"]
    assert "HttpOnly" in asked.headers["Set-Cookie"]
    browser.get(asked.headers["Location"], timeout=10)
    assert browser.cookies["orientation_session"] != before
    assert not is_signed_in(world, _with_cookie(before))


def _with_cookie(value):
    browser = requests.Session()
    browser.cookies.set("orientation_session", value)
    return browser


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("access_denied", "La connexion n’a pas été accordée"),
        ("login_required", "Vous n’êtes pas connecté à la passerelle"),
        ("server_error", "La passerelle a rencontré un problème"),
        ("<script>", "La connexion n’a pas abouti"),
    ],
)
def test_an_error_of_the_gateway_is_told_in_human_words(world, provider, error, words):
    provider.lies.answer = {"code": None, "error": error}
    _, page = new_browser(world, "/sign-in/silent")
    assert page.status_code == 400
    assert words in page.text
    assert "<script>" not in page.text
    assert provider.requests[0]["prompt"] == "none"


def test_an_error_that_answers_no_request_of_this_browser_is_not_believed(world, provider):
    page = requests.get(f"{world.orientation_url}/callback?error=access_denied&state=x", timeout=10)
    assert "unknown_state" in page.text


def test_a_stronger_level_asks_for_the_offered_levels_above_and_says_when_it_was_missed(world, provider):
    browser, _ = new_browser(world)
    page = browser.get(f"{world.orientation_url}/sign-in/stronger", timeout=10)
    wanted = provider.requests[-1]["acr_values"].split()
    assert wanted[0] == "urn:passerelle:acr:pwd-otp-sms"
    assert "urn:passerelle:acr:pwd" not in wanted
    assert "Un niveau plus fort a été demandé" in page.text
    provider.lies.claims = {"acr": "urn:passerelle:acr:pwd-otp-sms"}
    page = browser.get(f"{world.orientation_url}/sign-in/stronger", timeout=10)
    assert "Un niveau plus fort a été demandé" not in page.text


def test_sign_out_ends_here_then_at_the_gateway_and_comes_back(world, provider):
    browser, _ = new_browser(world)
    page = browser.post(f"{world.orientation_url}/sign-out", timeout=10)
    (asked,) = provider.logouts
    assert asked["id_token_hint"] == provider.tokens_given[0]
    assert asked["post_logout_redirect_uri"] == f"{world.orientation_url}/"
    assert "Vous êtes déconnecté d’Orientation et de la passerelle" in page.text
    assert not is_signed_in(world, browser)
    assert "Vous êtes déconnecté" not in browser.get(page.url, timeout=10).text


def test_the_session_ends_by_the_shared_clock(world, provider):
    browser, _ = new_browser(world)
    requests.post(f"{world.world_url}/api/clock", json={"advance_seconds": 8 * 3600 - 60}, timeout=10)
    assert is_signed_in(world, browser)
    requests.post(f"{world.world_url}/api/clock", json={"advance_seconds": 120}, timeout=10)
    assert not is_signed_in(world, browser)


def test_tokens_are_judged_by_the_shared_clock(world, provider):
    requests.post(f"{world.world_url}/api/clock", json={"advance_seconds": 86_400}, timeout=10)
    _, late = new_browser(world)
    assert "expired" in late.text
    provider.now = lambda: world.clock.now().timestamp()
    browser, _ = new_browser(world)
    assert is_signed_in(world, browser)


def test_an_access_token_made_for_another_api_is_not_read(world, provider):
    for told, refusal in (({"aud": "suivi"}, "wrong_audience"), ({"iss": "https://autre.example"}, "wrong_issuer")):
        provider.lies.access_claims = {**told, "canary": "tres-visible"}
        _, page = new_browser(world)
        assert "Camille Fictive" in page.text
        assert "tres-visible" not in page.text
        assert refusal in page.text


def test_a_wrong_secret_and_a_missing_secret_file_are_said_politely(world, provider, options, tmp_path):
    (tmp_path / "secret").write_text("faux", encoding="utf-8")
    for path in (tmp_path / "secret", tmp_path / "absent"):
        with sandbox.run(replace(options, orientation_client_secret_file=path)) as fresh:
            _, page = new_browser(fresh)
            assert "Orientation n’est pas reconnue par la passerelle" in page.text


def test_it_starts_without_the_gateway_and_explains_politely(options):
    with sandbox.run(replace(options, issuer="http://127.0.0.1:9")) as alone:
        assert requests.get(alone.orientation_url, timeout=10).status_code == 200
        _, page = new_browser(alone)
        assert page.status_code == 503
        assert "La passerelle ne répond pas" in page.text


def test_claims_of_an_odd_shape_are_shown_as_absent(world, provider):
    odd = {
        "structure": "x",
        "roles": 3,
        "entitlements": {"a": 1},
        "structures": [1, {"end": 5}],
        "structures_total": "n",
    }
    provider.lies.userinfo = odd
    _, page = new_browser(world)
    assert page.status_code == 200
    assert 'data-held="yes"' not in page.text
