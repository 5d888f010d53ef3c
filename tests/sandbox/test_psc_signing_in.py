"""The simulated Pro Santé Connect, honest: discovery, authorization, tokens, userinfo, single sign-on, logout."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from sandbox.clock import WorldClock
from sandbox.psc import PscOptions, PscRefusal, RunningPsc, running_psc
from sandbox.psc.keys import base64url
from sandbox.psc.visitor import StayedOnWallet
from sandbox.world.approvals import ApprovalGone
from tests.sandbox.psc_client import (
    CLIENT_ID,
    CLIENT_SECRET,
    LEFT_URI,
    REDIRECT_URI,
    Client,
    answer,
    claims,
    header,
    verified,
)


@pytest.fixture(scope="module")
def psc_options(tmp_path_factory: pytest.TempPathFactory) -> PscOptions:
    folder: Path = tmp_path_factory.mktemp("psc")
    (folder / "secret").write_text(f"{CLIENT_SECRET}\n", encoding="utf-8")
    return PscOptions(
        client_id=CLIENT_ID,
        client_secret_file=folder / "secret",
        redirect_uris=(REDIRECT_URI,),
        post_logout_redirect_uris=(LEFT_URI,),
    )


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> WorldClock:
    # The machine's time stands still: what happens at an edge is decided by the offset alone.
    return WorldClock(tmp_path_factory.mktemp("clock") / "offset", machine_time=lambda: 1_793_180_400.0)


@pytest.fixture(scope="module")
def started_psc(psc_options: PscOptions, clock: WorldClock) -> Iterator[RunningPsc]:
    with running_psc(psc_options, clock=clock) as running:
        yield running


@pytest.fixture
def psc(started_psc: RunningPsc, clock: WorldClock) -> RunningPsc:
    started_psc.be_honest()
    clock.reset()
    return started_psc


@pytest.fixture
def client(psc: RunningPsc) -> Client:
    return Client(psc)


def signed_in(client: Client, persona: str = "nadia", **options) -> dict:
    return client.tokens(client.psc.visitor().sign_in(client.url(), persona, **options))


@pytest.mark.spec("PSC-S1")
def test_discovery_is_at_its_own_address_and_sends_people_to_the_wallet(psc: RunningPsc):
    document = requests.get(psc.discovery_url, timeout=20).json()
    assert document["issuer"] == psc.issuer
    assert document["authorization_endpoint"] == f"{psc.wallet_url}/auth"
    for name in ("token_endpoint", "userinfo_endpoint", "jwks_uri", "end_session_endpoint", "introspection_endpoint"):
        assert document[name].startswith(f"{psc.issuer}/protocol/openid-connect/")
    assert document["acr_values_supported"] == ["0", "0"]
    assert {"HS256", "RS256", "EdDSA"} <= set(document["id_token_signing_alg_values_supported"])
    assert document["authorization_response_iss_parameter_supported"] is True
    assert requests.get(f"{psc.issuer}/.well-known/openid-configuration", timeout=20).status_code == 404
    psc.keycloak = "legacy"
    older = requests.get(psc.discovery_url, timeout=20).json()
    assert "authorization_response_iss_parameter_supported" not in older
    assert "basic" not in older["scopes_supported"]


@pytest.mark.spec("PSC-S2")
@pytest.mark.parametrize(
    "change", [{"client_id": "another"}, {"redirect_uri": f"{REDIRECT_URI}/"}, {"redirect_uri": None}]
)
def test_an_unknown_client_or_return_address_gets_a_page_and_no_redirect(client: Client, change: dict):
    refused = requests.get(client.url(**change), timeout=20, allow_redirects=False)
    assert refused.status_code == 400
    assert "text/html" in refused.headers["Content-Type"]


@pytest.mark.spec("PSC-S3")
@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"scope": "scope_all"}, "invalid_scope"),
        ({"scope": "openid everything"}, "invalid_scope"),
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
    ],
)
def test_a_bad_request_is_told_to_the_client(client: Client, change: dict, error: str):
    told = answer(client.psc.visitor().sign_in(client.url(**change)))
    assert (told["error"], told["state"], told["iss"]) == (error, client.state, client.psc.issuer)


@pytest.mark.spec("PSC-S3")
def test_openid_alone_gives_no_claim_of_the_profession(psc: RunningPsc):
    client = Client(psc)
    tokens = client.tokens(psc.visitor().sign_in(client.url(scope="openid")))
    assert list(client.userinfo(tokens["access_token"]).json()) == ["sub"]


@pytest.mark.spec("PSC-S4")
def test_the_answer_echoes_state_and_says_iss_in_the_modern_shape_only(client: Client):
    modern = answer(client.psc.visitor().sign_in(client.url()))
    assert set(modern) == {"state", "session_state", "iss", "code"}
    assert (modern["state"], modern["iss"]) == (client.state, client.psc.issuer)
    client.psc.keycloak = "legacy"
    assert set(answer(client.psc.visitor().sign_in(client.url()))) == {"state", "session_state", "code"}


@pytest.mark.spec("PSC-S5")
def test_a_code_presented_again_is_refused_and_ends_the_session_it_opened(client: Client):
    callback = client.psc.visitor().sign_in(client.url())
    tokens = client.tokens(callback)
    again = client.redeem(callback)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert client.userinfo(tokens["access_token"]).status_code == 401


@pytest.mark.spec("PSC-S5")
@pytest.mark.parametrize(
    "change", [{"code_verifier": "v" * 43}, {"code_verifier": ""}, {"redirect_uri": f"{REDIRECT_URI}/"}, {"code": "x"}]
)
def test_a_code_is_bound_to_its_verifier_and_its_return_address(client: Client, change: dict):
    refused = client.redeem(client.psc.visitor().sign_in(client.url()), **change)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert refused.headers["Cache-Control"] == "no-store"


@pytest.mark.spec("PSC-S5")
@pytest.mark.parametrize(("seconds", "status"), [(59, 200), (60, 400)])
def test_a_code_dies_after_sixty_seconds(client: Client, clock: WorldClock, seconds: int, status: int):
    callback = client.psc.visitor().sign_in(client.url())
    clock.advance(timedelta(seconds=seconds))
    assert client.redeem(callback).status_code == status


@pytest.mark.spec("PSC-S6")
def test_the_secret_comes_in_the_header_or_in_the_form_and_never_in_both(client: Client):
    form = {
        "grant_type": "authorization_code",
        "code": answer(client.psc.visitor().sign_in(client.url()))["code"],
        "redirect_uri": REDIRECT_URI,
        "code_verifier": client.verifier,
    }
    posted = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    assert client.post("token", form | posted).json()["error"] == "invalid_request"
    for wrong in ({}, {"client_id": CLIENT_ID}, {**posted, "client_secret": "x"}, {**posted, "client_id": "x"}):
        assert client.post("token", form | wrong, auth=None).status_code == 401
    assert client.post("token", form | posted, auth=None).status_code == 200


@pytest.mark.spec("PSC-S8")
@pytest.mark.parametrize(("seconds", "status"), [(119, 200), (120, 401)])
def test_an_access_token_lives_two_minutes(client: Client, clock: WorldClock, seconds: int, status: int):
    tokens = signed_in(client)
    assert (tokens["expires_in"], tokens["refresh_expires_in"]) == (120, 1800)
    clock.advance(timedelta(seconds=seconds))
    assert client.userinfo(tokens["access_token"]).status_code == status


@pytest.mark.spec("PSC-S8", "PSC-S15")
@pytest.mark.parametrize(("seconds", "status"), [(1799, 200), (1800, 400)])
def test_a_refresh_token_lives_half_an_hour(client: Client, clock: WorldClock, seconds: int, status: int):
    tokens = signed_in(client)
    clock.advance(timedelta(seconds=seconds))
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    refreshed = client.post("token", form)
    assert refreshed.status_code == status
    if status == 200:
        again = claims(refreshed.json()["id_token"])
        assert "nonce" not in again
        assert again["auth_time"] == claims(tokens["id_token"])["auth_time"]


@pytest.mark.spec("PSC-S9", "PSC-S10", "PSC-S11", "PSC-S12")
def test_the_tokens_are_shaped_like_keycloaks(client: Client):
    psc = client.psc
    tokens = signed_in(client)
    assert set(tokens) == {
        "access_token", "expires_in", "refresh_expires_in", "refresh_token", "token_type", "id_token",
        "not-before-policy", "session_state", "scope",
    }  # fmt: skip
    assert (tokens["token_type"], tokens["scope"]) == ("Bearer", "openid profile scope_all identity")
    identity, access = verified(psc, tokens["id_token"]), verified(psc, tokens["access_token"])
    shared = {
        "exp", "iat", "auth_time", "jti", "iss", "sub", "typ", "azp", "acr", "sid", "authMode", "preferred_username",
    }  # fmt: skip
    assert set(identity) == shared | {"aud", "nonce", "at_hash"}
    assert set(access) == shared | {"scope", "otherIds"}
    assert header(tokens["id_token"]) == {"alg": "RS256", "typ": "JWT", "kid": psc.realm.keys.signing.kid}
    assert len(psc.realm.keys.signing.kid) == 43
    assert psc.realm.keys.signing.kid.startswith("SANDBOX-")
    assert (identity["iss"], identity["aud"], identity["azp"]) == (psc.issuer, CLIENT_ID, CLIENT_ID)
    assert (identity["typ"], access["typ"]) == ("ID", "Bearer")
    assert identity["nonce"] == client.nonce
    assert identity["acr"] == "eidas3"
    assert identity["sid"] == tokens["session_state"]
    assert identity["exp"] - identity["iat"] == 120
    assert identity["sub"] == f"f:{psc.realm.storage_uuid}:899900000011"
    assert identity["at_hash"] == base64url(hashlib.sha256(tokens["access_token"].encode()).digest()[:16])
    assert header(tokens["refresh_token"])["alg"] == "HS512"
    assert claims(tokens["refresh_token"])["aud"] == psc.issuer


@pytest.mark.spec("PSC-S9")
def test_the_older_shape_says_session_state_in_every_token(client: Client):
    client.psc.keycloak = "legacy"
    tokens = signed_in(client)
    identity, access = claims(tokens["id_token"]), claims(tokens["access_token"])
    assert identity["session_state"] == access["session_state"] == identity["sid"]
    assert access["nonce"] == ""
    assert "aud" not in access


@pytest.mark.spec("PSC-S12")
def test_the_key_set_has_one_key_that_signs_and_one_that_encrypts(psc: RunningPsc):
    keys = requests.get(f"{psc.issuer}/protocol/openid-connect/certs", timeout=20).json()["keys"]
    assert sorted(key["use"] for key in keys) == ["enc", "sig"]
    assert all(set(key) == {"kid", "kty", "alg", "use", "n", "e", "x5c", "x5t", "x5t#S256"} for key in keys)


@pytest.mark.spec("PSC-S13")
def test_a_rotation_signs_with_the_new_key_while_both_are_published_then_the_old_one_goes(client: Client):
    psc = client.psc
    before = signed_in(client)["id_token"]
    psc.rotate_keys()
    after = signed_in(Client(psc))["id_token"]
    assert header(before)["kid"] != header(after)["kid"]
    verified(psc, before)
    verified(psc, after)
    psc.drop_retired_keys()
    verified(psc, after)
    with pytest.raises(ValueError, match="not enough values"):
        verified(psc, before)


@pytest.mark.spec("PSC-S14")
def test_userinfo_has_the_claims_of_the_profession_each_of_its_type(client: Client):
    userinfo = client.userinfo(signed_in(client)["access_token"]).json()
    assert set(userinfo) == {
        "sub", "SubjectNameID", "preferred_username", "given_name", "family_name", "otherIds", "SubjectRole",
        "Secteur_Activite", "SubjectOrganization", "SubjectOrganizationID", "PSI_Locale", "Mode_Acces_Raison",
        "Acces_Regulation_Medicale", "UITVersion", "Palier_Authentification", "authMode", "SubjectRefPro",
    }  # fmt: skip
    assert userinfo["SubjectNameID"] == userinfo["preferred_username"] == "899900000011"
    assert userinfo["SubjectRole"] == ["60^1.2.250.1.213.1.1.5.5"]
    assert userinfo["Secteur_Activite"] == "SA25^1.2.250.1.71.4.2.4"
    assert userinfo["otherIds"] == [{"identifiant": "899900000011", "origine": "RPPS", "qualite": 1}]
    assert userinfo["Acces_Regulation_Medicale"] == "FAUX"
    (exercice,) = userinfo["SubjectRefPro"]["exercices"]
    assert [activity["numeroFinessSite"] for activity in exercice["activities"]] == ["990000010", "990000028", ""]


@pytest.mark.spec("PSC-S14")
def test_every_leaf_of_every_persona_is_text_but_the_quality(psc: RunningPsc):
    def leaves(value, name=""):
        if isinstance(value, dict):
            for inner_name, inner in value.items():
                yield from leaves(inner, inner_name)
        elif isinstance(value, list):
            for inner in value:
                yield from leaves(inner, name)
        else:
            yield name, value

    for person in psc.realm.personas.everyone:
        client = Client(psc)
        means = "ecps" if "ecps" in person.means else "card"
        userinfo = client.userinfo(signed_in(client, person.key, means=means)["access_token"]).json()
        assert userinfo["authMode"] == {"ecps": "MOBILE", "card": "CARD"}[means]
        assert ("SubjectRefPro" in userinfo) == (person.exercices is not None)
        for name, value in leaves(userinfo):
            assert type(value) is (int if name == "qualite" else str), (person.key, name, value)


@pytest.mark.parametrize(
    ("persona", "national_id", "means"),
    [
        ("paul", "899900000029", "ecps"),
        ("lea", "3990000010/0042", "card"),
        ("sacha", "5b1d7c0e-93a4-4e0b-8f57-2d6c1a94e310", "ecps"),
        ("karim-adeli", "0139900052", "card"),
    ],
)
def test_identifiers_of_every_kind_arrive_whole(client: Client, persona: str, national_id: str, means: str):
    userinfo = client.userinfo(signed_in(client, persona, means=means)["access_token"]).json()
    assert userinfo["SubjectNameID"] == national_id
    assert userinfo["sub"].endswith(f":{national_id}")


def test_a_person_with_a_role_and_no_card_says_the_role_in_the_activity(client: Client):
    userinfo = client.userinfo(signed_in(client, "paul")["access_token"]).json()
    assert userinfo["SubjectRefPro"]["exercices"][0]["activities"][0]["codeRole"] == "326"
    with pytest.raises(StayedOnWallet):
        client.psc.visitor().sign_in(client.url(), "paul", means="card")


@pytest.mark.spec("PSC-S15", "PSC-S16")
def test_introspection_names_the_person_for_an_access_token_only(client: Client, clock: WorldClock):
    tokens = signed_in(client)
    access = client.post("token/introspect", {"token": tokens["access_token"]}).json()
    refresh = client.post("token/introspect", {"token": tokens["refresh_token"]}).json()
    assert access["active"] is refresh["active"] is True
    assert access["SubjectNameID"] == "899900000011"
    assert "SubjectNameID" not in refresh
    clock.advance(timedelta(minutes=31))
    assert client.post("token/introspect", {"token": tokens["access_token"]}).json() == {"active": False}
    assert client.post("token/introspect", {"token": "x"}, auth=None).status_code == 401


@pytest.mark.spec("PSC-S15")
def test_userinfo_refuses_a_bad_token_in_the_words_of_each_shape(client: Client):
    refused = client.userinfo("x")
    assert (refused.status_code, refused.text) == (401, "")
    assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]
    client.psc.keycloak = "legacy"
    assert client.userinfo("x").json()["error"] == "invalid_token"


@pytest.mark.spec("PSC-S19")
def test_logout_ends_the_session_and_comes_back_with_state_to_a_declared_address(client: Client, clock: WorldClock):
    visitor = client.psc.visitor()
    tokens = client.tokens(visitor.sign_in(client.url()))
    clock.advance(timedelta(minutes=10))  # the hint has expired: that is no reason to stay signed in
    logout = requests.Request(
        "GET",
        client.endpoint("logout"),
        params={"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": LEFT_URI, "state": "abc"},
    ).prepare()
    assert visitor.follow(str(logout.url)) == f"{LEFT_URI}?state=abc"
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert client.post("token", form).json()["error"] == "invalid_grant"
    assert answer(visitor.sign_in(client.url(prompt="none")))["error"] == "login_required"


@pytest.mark.spec("PSC-S19")
def test_logout_refuses_an_undeclared_address_and_a_false_hint_and_keeps_the_session(client: Client):
    visitor = client.psc.visitor()
    tokens = client.tokens(visitor.sign_in(client.url()))
    forged = tokens["id_token"][:-8] + "AAAAAAAA"
    for asked in (
        {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": f"{LEFT_URI}/"},
        {"id_token_hint": forged, "post_logout_redirect_uri": LEFT_URI},
        {"id_token_hint": tokens["access_token"], "post_logout_redirect_uri": LEFT_URI},
        {"post_logout_redirect_uri": LEFT_URI},
    ):
        refused = requests.get(client.endpoint("logout"), params=asked, timeout=20, allow_redirects=False)
        assert refused.status_code == 400
    assert client.userinfo(tokens["access_token"]).status_code == 200


@pytest.mark.spec("PSC-S19")
def test_logout_without_an_address_shows_a_page(client: Client):
    hint = {"id_token_hint": signed_in(client)["id_token"]}
    shown = requests.get(client.endpoint("logout"), params=hint, timeout=20)
    assert (shown.status_code, "Vous êtes déconnecté" in shown.text) == (200, True)


@pytest.mark.spec("PSC-S20")
def test_a_second_service_is_signed_in_silently_with_the_first_auth_time(client: Client, clock: WorldClock):
    visitor = client.psc.visitor()
    first = claims(client.tokens(visitor.sign_in(client.url()))["id_token"])
    clock.advance(timedelta(minutes=29))
    second = claims(client.tokens(visitor.sign_in(client.url(prompt="none")))["id_token"])
    assert (second["auth_time"], second["sid"]) == (first["auth_time"], first["sid"])
    assert second["iat"] == first["iat"] + 29 * 60
    clock.advance(timedelta(minutes=30))
    assert answer(visitor.sign_in(client.url(prompt="none")))["error"] == "login_required"


@pytest.mark.spec("PSC-S8", "PSC-S20")
def test_a_session_used_all_along_ends_after_four_hours(client: Client, clock: WorldClock):
    visitor = client.psc.visitor()
    visitor.sign_in(client.url())
    for _ in range(11):
        clock.advance(timedelta(minutes=20))
        assert "code" in answer(visitor.sign_in(client.url(prompt="none")))
    clock.advance(timedelta(minutes=20))
    assert answer(visitor.sign_in(client.url(prompt="none")))["error"] == "login_required"


@pytest.mark.spec("PSC-S20")
@pytest.mark.parametrize("demand", [{"prompt": "login"}, {"max_age": "60"}])
def test_prompt_login_and_max_age_ask_the_person_again_and_a_second_person_replaces_the_first(
    client: Client, clock: WorldClock, demand: dict
):
    visitor = client.psc.visitor()
    first = client.tokens(visitor.sign_in(client.url(), "nadia"))
    clock.advance(timedelta(seconds=61))
    again = Client(client.psc)
    second = claims(again.tokens(visitor.sign_in(again.url(**demand), "ines"))["id_token"])
    assert second["preferred_username"] == "899900000086"
    assert second["auth_time"] == claims(first["id_token"])["auth_time"] + 61
    assert client.userinfo(first["access_token"]).status_code == 401


@pytest.mark.spec("PSC-S21")
def test_the_end_of_a_session_can_be_told_to_the_client(psc: RunningPsc):
    from sandbox.psc.tokens import logout_token

    session = psc.realm.sessions.begin(psc.persona("nadia"), "MOBILE", psc.realm.now())
    told = verified(psc, logout_token(psc.realm, session))
    assert set(told) == {"iat", "exp", "jti", "iss", "aud", "sub", "typ", "sid", "events"}
    assert (told["sid"], told["aud"], told["typ"]) == (session.id, CLIENT_ID, "Logout")


def test_a_refusal_on_the_phone_is_access_denied(client: Client):
    told = answer(client.psc.visitor().sign_in(client.url(), decision="refuse"))
    assert (told["error"], told["state"]) == ("access_denied", client.state)


def test_a_demand_on_the_phone_lasts_two_minutes_then_can_be_made_again(client: Client, clock: WorldClock):
    with pytest.raises(StayedOnWallet):
        client.psc.visitor().sign_in(client.url(), decision="wait")
    (demand,) = client.psc.pending()
    assert (demand.person, demand.service) == ("Nadia Benali", "Passerelle")
    clock.advance(timedelta(seconds=120))
    assert client.psc.pending() == []
    with pytest.raises(ApprovalGone):
        client.psc.approve(demand.id)


def test_another_browser_cannot_finish_a_login(client: Client):
    page = requests.get(client.url(), timeout=20)
    assert "/login-page/" in page.url
    assert requests.get(page.url, timeout=20).status_code == 400


def test_an_unknown_number_and_a_person_without_ecps_get_the_same_sentence(client: Client):
    with requests.Session() as browser:
        page = browser.get(client.url(), timeout=20)
        sentences = {
            browser.post(f"{page.url}/e-cps", data={"identifiant": typed}, timeout=20).text.count("Aucune e-CPS active")
            for typed in ("99900000193", "0139900052", "")
        }
    assert sentences == {1}
    assert client.psc.pending() == []


def test_the_number_may_be_typed_with_spaces_or_with_its_eight(psc: RunningPsc):
    for typed in ("99900000011", "999 000 000 11", "899900000011"):
        person = psc.realm.personas.typed(typed)
        assert person is not None
        assert person.key == "nadia"


@pytest.mark.spec("PSC-S23")
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"profile": "standard"}, "demo or test"),
        ({"redirect_uris": ("https://auth.esw.esante.gouv.fr/callback",)}, "not a loopback URL"),
        ({"auth": "0.0.0.0:0"}, "--psc"),
        ({"wallet": "wallet.esw.esante.gouv.fr:443"}, "--wallet"),
        ({"wallet": "127.0.0.3:0"}, "two hosts"),
    ],
)
def test_it_refuses_to_start_beside_anything_real(psc_options: PscOptions, change: dict, sentence: str):
    with pytest.raises(PscRefusal, match=sentence), running_psc(PscOptions(**{**vars(psc_options), **change})):
        pass


@pytest.mark.spec("PSC-S23")
def test_it_refuses_a_number_that_could_be_a_real_persons(psc_options: PscOptions, tmp_path: Path):
    people = tmp_path / "people.yaml"
    people.write_text(
        '- {key: x, why: x, national_id: "810000000001", given_name: X, family_name: X, means: [ecps]}\n',
        encoding="utf-8",
    )
    with (
        pytest.raises(PscRefusal, match="outside the ranges"),
        running_psc(PscOptions(**{**vars(psc_options), "personas_file": people})),
    ):
        pass
