"""Every lie is one that a careful relying party refuses, and every quirk one that it bears: neither is what it is not."""

import hashlib
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import requests

from sandbox.clock import WorldClock
from sandbox.psc import Lie, PscOptions, Quirk, RunningPsc, running_psc
from sandbox.psc.keys import base64url
from tests.sandbox.psc_client import CLIENT_ID, CLIENT_SECRET, LEFT_URI, REDIRECT_URI, Client

LARGEST = 1_000_000
PATIENCE_SECONDS = 1.0
LEVELS = ("eidas1", "eidas2", "eidas3")


class Refused(Exception):  # noqa: N818 -- a refusal, told in a sentence
    """The careful relying party opens no session."""


def insist(condition: object, reason: str) -> None:
    if not condition:
        raise Refused(reason)


def fetch(method: str, url: str, **options: Any) -> Any:
    """A JSON object, in time, not too long, from where it was asked."""
    ends = time.monotonic() + PATIENCE_SECONDS
    try:
        with requests.request(
            method, url, timeout=PATIENCE_SECONDS, allow_redirects=False, stream=True, **options
        ) as answer:
            insist(answer.status_code == 200, f"HTTP {answer.status_code}")
            content = b""
            for piece in answer.raw.stream(65_536):
                content += piece
                insist(len(content) <= LARGEST, "too long")
                insist(time.monotonic() < ends, "too slow")
    except (requests.RequestException, OSError) as failure:
        raise Refused(type(failure).__name__) from failure
    insist(answer.headers["Content-Type"].startswith("application/json"), "not JSON")
    try:
        body = json.loads(content, object_pairs_hook=once)
    except (ValueError, RecursionError) as failure:
        raise Refused("unreadable JSON") from failure
    insist(isinstance(body, dict), "not an object")
    return body


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    insist(len({name for name, _ in pairs}) == len(pairs), "a member twice")
    return dict(pairs)


def carefully_signed_in(client: Client, persona: str = "nadia", *, max_age: int = 14_400) -> dict[str, Any]:
    """The userinfo of who signed in, after every check of dossier §2.3; Refused otherwise."""
    psc = client.psc
    metadata = fetch("GET", psc.discovery_url)
    insist(metadata["issuer"] == psc.issuer, "issuer of discovery")
    for name in ("token_endpoint", "userinfo_endpoint", "jwks_uri"):
        insist(metadata[name].startswith(psc.issuer), f"{name} elsewhere")
    code = checked_code(client, psc.visitor().sign_in(client.url(prompt="login"), persona), metadata)
    pair = requests.utils.quote(CLIENT_ID, safe=""), requests.utils.quote(CLIENT_SECRET, safe="")
    tokens = fetch(
        "POST",
        metadata["token_endpoint"],
        auth=requests.auth.HTTPBasicAuth(*pair),
        data={
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": client.verifier,
        },
    )
    insist(str(tokens.get("token_type")).lower() == "bearer", "token_type")
    insist(isinstance(tokens.get("access_token"), str), "no access token")
    insist(isinstance(tokens.get("id_token"), str), "no ID token")
    identity = checked_id_token(client, tokens, fetch("GET", metadata["jwks_uri"]), max_age=max_age)
    userinfo = fetch(
        "GET", metadata["userinfo_endpoint"], headers={"Authorization": f"Bearer {tokens['access_token']}"}
    )
    return checked_userinfo(userinfo, identity)


def checked_code(client: Client, callback: str, metadata: dict[str, Any]) -> str:
    parameters = parse_qs(urlsplit(callback).query, keep_blank_values=True)
    insist(all(len(values) == 1 for values in parameters.values()), "a parameter twice")
    answer = {name: values[0] for name, values in parameters.items()}
    insist(answer.get("state") == client.state, "state")
    if metadata.get("authorization_response_iss_parameter_supported"):
        insist(answer.get("iss") == client.psc.issuer, "iss parameter")
    insist("error" not in answer, "error")
    insist(answer.get("code"), "no code")
    return answer["code"]


def checked_id_token(
    client: Client, tokens: dict[str, Any], key_set: dict[str, Any], *, max_age: int
) -> dict[str, Any]:
    now = client.psc.realm.now()
    unjudged: Any = dict.fromkeys(("verify_exp", "verify_iat", "verify_nbf", "verify_aud", "verify_iss"), False)
    try:
        head = jwt.get_unverified_header(tokens["id_token"])
        insist(head["alg"] == "RS256", "algorithm")
        insist("crit" not in head, "crit")
        keys = [key for key in key_set["keys"] if key["kid"] == head.get("kid") and key["use"] == "sig"]
        insist(keys, "unknown key")
        claims = jwt.decode(tokens["id_token"], jwt.PyJWK(keys[0]), algorithms=["RS256"], options=unjudged)
    except jwt.PyJWTError as failure:
        raise Refused("signature") from failure
    insist(claims.get("iss") == client.psc.issuer, "iss")
    insist(claims.get("aud") in (CLIENT_ID, [CLIENT_ID]), "aud")
    insist(claims.get("azp", CLIENT_ID) == CLIENT_ID, "azp")
    for name in ("exp", "iat", "auth_time"):
        insist(type(claims.get(name)) is int, name)
    insist(now < claims["exp"] + 30, "expired")
    insist(claims["iat"] <= now + 30, "issued in the future")
    insist(claims.get("nbf", 0) <= now + 30, "not yet")
    insist(claims.get("nonce") == client.nonce, "nonce")
    insist(claims.get("typ", "ID") == "ID", "typ")
    insist(claims.get("acr") in LEVELS, "acr")
    at_hash = base64url(hashlib.sha256(tokens["access_token"].encode()).digest()[:16])
    insist(claims.get("at_hash", at_hash) == at_hash, "at_hash")
    insist(now - max_age < claims["auth_time"] <= now + 30, "auth_time")
    insist(claims.get("sub"), "sub")
    return claims


def checked_userinfo(userinfo: dict[str, Any], identity: dict[str, Any]) -> dict[str, Any]:
    insist(userinfo.get("sub") == identity["sub"], "sub of userinfo")
    national_id = userinfo.get("SubjectNameID")
    insist(isinstance(national_id, str) and national_id[1:].isdigit(), "SubjectNameID")
    for username in (userinfo.get("preferred_username"), identity.get("preferred_username")):
        insist(username in (None, national_id), "preferred_username")
    others = userinfo.get("otherIds", userinfo.get("otherIDs")) or []
    insist(isinstance(others, list), "otherIds")
    rpps = {other["identifiant"] for other in others if other["origine"] == "RPPS" and other["qualite"] == 1}
    insist(rpps <= {national_id}, "another's RPPS")
    ref_pro = userinfo.get("SubjectRefPro") or {}
    insist(isinstance(ref_pro, dict), "SubjectRefPro")
    for exercice in ref_pro.get("exercices") or []:
        insist(isinstance(exercice.get("activities") or [], list), "activities")
    return userinfo


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> WorldClock:
    return WorldClock(tmp_path_factory.mktemp("clock") / "offset")


@pytest.fixture(scope="module")
def started_psc(tmp_path_factory: pytest.TempPathFactory, clock: WorldClock) -> Iterator[RunningPsc]:
    secret: Path = tmp_path_factory.mktemp("psc") / "secret"
    secret.write_text(CLIENT_SECRET, encoding="utf-8")
    options = PscOptions(
        client_id=CLIENT_ID,
        client_secret_file=secret,
        redirect_uris=(REDIRECT_URI,),
        post_logout_redirect_uris=(LEFT_URI,),
    )
    with running_psc(options, clock=clock) as running:
        yield running


@pytest.fixture
def psc(started_psc: RunningPsc, clock: WorldClock) -> Iterator[RunningPsc]:
    started_psc.be_honest()
    clock.reset()
    yield started_psc
    started_psc.be_honest()  # ends the slow answers under way


@pytest.mark.parametrize("keycloak", ["modern", "legacy"])
@pytest.mark.parametrize("acr", LEVELS)
def test_the_truth_is_accepted_in_both_shapes_and_at_every_level(psc: RunningPsc, keycloak: Any, acr: str):
    psc.keycloak, psc.acr = keycloak, acr
    assert carefully_signed_in(Client(psc))["SubjectNameID"] == "899900000011"


# Seen elsewhere than in one careful login; each has its own test below.
ELSEWHERE = {Lie.PROMPT_LOGIN_IGNORED, Lie.LOGOUT_STATE_CHANGED}


@pytest.mark.spec("PSC-S22")
@pytest.mark.parametrize("lie", [lie for lie in Lie if lie not in ELSEWHERE])
def test_a_careful_relying_party_refuses_each_lie_and_the_truth_told_after_it(psc: RunningPsc, lie: Lie):
    psc.lie = lie
    with pytest.raises(Refused):
        carefully_signed_in(Client(psc))
    psc.lie = None
    assert carefully_signed_in(Client(psc))


@pytest.mark.spec("PSC-S22")
@pytest.mark.parametrize("quirk", list(Quirk))
def test_a_careful_relying_party_bears_each_quirk(psc: RunningPsc, quirk: Quirk):
    psc.quirk = quirk
    assert carefully_signed_in(Client(psc), "ines")["SubjectNameID"] == "899900000086"


def test_ignoring_prompt_login_gives_the_session_of_before(psc: RunningPsc, clock: WorldClock):
    visitor = psc.visitor()
    visitor.sign_in(Client(psc).url(), "nadia")
    clock.advance(timedelta(minutes=10))
    psc.lie = Lie.PROMPT_LOGIN_IGNORED
    client = Client(psc)
    tokens = client.tokens(visitor.sign_in(client.url(prompt="login"), "ines"))
    key_set = fetch("GET", client.endpoint("certs"))
    assert checked_id_token(client, tokens, key_set, max_age=3600)["preferred_username"] == "899900000011"
    with pytest.raises(Refused, match="auth_time"):
        checked_id_token(client, tokens, key_set, max_age=60)


@pytest.mark.parametrize(
    ("lie", "quirk", "state"),
    [
        (None, None, "?state=abc"),
        (None, Quirk.LOGOUT_WITHOUT_STATE, ""),
        (Lie.LOGOUT_STATE_CHANGED, None, "?state=" + "x" * 43),
    ],
)
def test_the_return_from_logout_may_have_no_state_or_another(psc: RunningPsc, lie: Lie, quirk: Quirk, state: str):
    client, visitor = Client(psc), psc.visitor()
    hint = client.tokens(visitor.sign_in(client.url()))["id_token"]
    psc.lie, psc.quirk = lie, quirk
    url = f"{client.endpoint('logout')}?id_token_hint={hint}&post_logout_redirect_uri={LEFT_URI}&state=abc"
    assert visitor.follow(url) == LEFT_URI + state


@pytest.mark.parametrize(
    ("lie", "place"),
    [
        (Lie.TOKEN_REDIRECTED, "elsewhere/token"),
        (Lie.USERINFO_REDIRECTED, "elsewhere/userinfo"),
        (Lie.JWKS_REDIRECTED, "elsewhere/jwks"),
        (Lie.DISCOVERY_REDIRECTED, "elsewhere/discovery"),
    ],
)
def test_following_a_redirect_would_work_and_be_seen(psc: RunningPsc, lie: Lie, place: str):
    client = Client(psc)
    callback = psc.visitor().sign_in(client.url())
    access_token = client.tokens(psc.visitor().sign_in(client.url()))["access_token"]
    psc.lie = lie
    match lie:
        case Lie.TOKEN_REDIRECTED:
            refused = client.redeem(callback)
            assert refused.status_code == 307
            form = {"grant_type": "authorization_code", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
            code = parse_qs(urlsplit(callback).query)["code"][0]
            form |= {"code": code, "redirect_uri": REDIRECT_URI, "code_verifier": client.verifier}
            assert "id_token" in requests.post(refused.headers["Location"], data=form, timeout=20).json()
        case Lie.USERINFO_REDIRECTED:
            location = client.userinfo(access_token).headers["Location"]
            assert requests.get(location, timeout=20).json()["SubjectNameID"] == "899900000011"
        case Lie.JWKS_REDIRECTED:
            assert requests.get(client.endpoint("certs"), timeout=20).json()["keys"]
        case _:
            assert requests.get(psc.discovery_url, timeout=20).json()["issuer"] == psc.issuer
    assert len(psc.requests_to(place)) == 1


def test_every_lie_and_every_quirk_says_in_a_sentence_what_it_is():
    for told in (*Lie, *Quirk):
        assert told.__doc__.endswith("."), told
    assert Lie("alg_none") is Lie.ALG_NONE
    with pytest.raises(ValueError, match="is not a valid Lie"):
        Lie("white_lie")
