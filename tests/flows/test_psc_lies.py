"""Our relying party before the simulated Pro Santé Connect: the truth is believed, and each lie is refused for its own reason.

No lie ever gives an assertion; why is in the refusal's detail, for the log, and never in its text.
"""

import contextlib
import io
import logging
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import yaml

from gateway.clock import SystemClock
from gateway.randomness import opaque, system_randomness
from gateway.refusal import Refusal
from gateway.signin.psc.callback import UnverifiedCallback
from gateway.signin.psc.client import PscClient
from gateway.signin.psc.client_secret import read_client_secret
from gateway.signin.psc.environment import PscEnvironment, read_psc_environment
from gateway.signin.psc.identity import VerifiedPscAssertion
from gateway.signin.psc.logout import end_session_address, is_our_return
from gateway.signin.psc.metadata import differences
from gateway.signin.psc.national_identifier import IdentifierType
from gateway.signin.psc.refusals import PscDeclined, PscRefused, PscUnavailable
from gateway.signin.psc.relying_party import PscRelyingParty
from sandbox.clock import WorldClock
from sandbox.psc import Lie, PscOptions, Quirk, RunningPsc, running_psc
from sandbox.psc.visitor import Visitor

CLIENT_ID = "passerelle-test"
SECRET = "secret-canary-0123456789"
CALLBACK = "http://127.0.0.1:8080/signin/psc/callback"
LEFT = "http://127.0.0.1:8080/signin/psc/logged-out"
FIVE_HOURS = timedelta(hours=5)
SLOW = {"connect_seconds": 1, "answer_seconds": 1}


class World:
    """One gateway before one simulator; `party` starts with an empty key cache."""

    def __init__(self, psc: RunningPsc, clock: WorldClock, offset_file: Path, folder: Path) -> None:
        self.psc, self.clock, self.folder = psc, clock, folder
        self.gateway_clock = SystemClock(offset_file)
        self.start()

    def start(self, **changed: Any) -> None:
        self.environment = self._environment(changed)
        secret_file = self.folder / "secret"
        self.client = PscClient(
            self.environment,
            client_secret=lambda: read_client_secret(secret_file, self.environment),
            clock=self.gateway_clock,
        )
        self.party = PscRelyingParty(
            self.environment, self.client, clock=self.gateway_clock, randomness=system_randomness
        )

    def _environment(self, changed: dict[str, Any]) -> PscEnvironment:
        base = f"{self.psc.issuer}/protocol/openid-connect"
        declared = {
            "name": "simulator",
            "issuer": self.psc.issuer,
            "authorization_endpoint": f"{self.psc.wallet_url}/auth",
            "token_endpoint": f"{base}/token",
            "userinfo_endpoint": f"{base}/userinfo",
            "jwks_uri": f"{base}/certs",
            "end_session_endpoint": f"{base}/logout",
            "metadata_address": self.psc.discovery_url,
            "iss_parameter": self.psc.keycloak == "modern",
            "client_id": CLIENT_ID,
            "redirect_uri": CALLBACK,
            "post_logout_redirect_uris": [LEFT],
            "limits": SLOW,
            **changed,
        }
        file = self.folder / "psc.yaml"
        file.write_text(yaml.safe_dump(declared), "utf-8")
        return read_psc_environment(file, profile="demo")

    def sign_in(
        self, persona: str = "nadia", *, visitor: Visitor | None = None, reauthenticate: bool = False, **gesture: Any
    ) -> VerifiedPscAssertion:
        address, attempt = self.party.ask("0transaction", reauthenticate=reauthenticate)
        answer = (visitor or self.psc.visitor()).sign_in(address, persona, **gesture)
        assert answer.startswith(CALLBACK)
        pairs = parse_qsl(urlsplit(answer).query, keep_blank_values=True, strict_parsing=True)
        return self.party.answered(UnverifiedCallback(pairs), attempt=attempt)


@pytest.fixture(scope="module")
def offset_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clock") / "offset"


@pytest.fixture(scope="module")
def simulator(
    tmp_path_factory: pytest.TempPathFactory, offset_file: Path
) -> Iterator[tuple[RunningPsc, WorldClock, Path]]:
    folder, clock = tmp_path_factory.mktemp("psc"), WorldClock(offset_file)
    (folder / "secret").write_text(f"{SECRET}\n", "utf-8")
    options = PscOptions(
        client_id=CLIENT_ID,
        client_secret_file=folder / "secret",
        redirect_uris=(CALLBACK,),
        post_logout_redirect_uris=(LEFT,),
    )
    with running_psc(options, clock=clock) as running:
        yield running, clock, folder


@pytest.fixture
def world(simulator: tuple[RunningPsc, WorldClock, Path], offset_file: Path) -> Iterator[World]:
    psc, clock, folder = simulator
    psc.be_honest()
    clock.reset()
    yield World(psc, clock, offset_file, folder)
    psc.be_honest()


REASONS: dict[Lie, str] = {
    Lie.STATE_CHANGED: "callback: state",
    Lie.STATE_MISSING: "callback: state",
    Lie.STATE_TWICE: "callback: a parameter twice",
    Lie.ISS_PARAMETER_WRONG: "callback: iss",
    Lie.ISS_PARAMETER_MISSING: "callback: iss",
    Lie.CODE_MISSING: "callback: code",
    Lie.CODE_TWICE: "callback: a parameter twice",
    Lie.CODE_AND_ERROR: "callback: code and error",
    Lie.TOKEN_TYPE_WRONG: "token: token_type",
    Lie.TOKEN_TYPE_MISSING: "token: token_type",
    Lie.ID_TOKEN_MISSING: "token: no ID token",
    Lie.ID_TOKEN_NOT_TEXT: "token: no ID token",
    Lie.ACCESS_TOKEN_MISSING: "token: access_token",
    Lie.ACCESS_TOKEN_AS_ID_TOKEN: "id token: typ",
    Lie.TOKEN_HTML: "provider: unreadable answer",
    Lie.TOKEN_LIST: "provider: unreadable answer",
    Lie.TOKEN_400_WITH_TOKENS: "token: status 400",
    Lie.TOKEN_500: "token: status 500",
    Lie.TOKEN_REDIRECTED: "token: status 307",
    Lie.TOKEN_HUGE: "provider: ChunkedEncodingError",
    Lie.TOKEN_SLOW: "provider: ",
    Lie.TOKEN_DRIPPED: "provider: ",
    Lie.SIGNATURE_BAD: "id token: signature",
    Lie.SIGNATURE_EMPTY: "id token: signature",
    Lie.PAYLOAD_CHANGED: "id token: signature",
    Lie.SIGNED_BY_STRANGER: "id token: signature",
    Lie.ALG_NONE: "id token: alg",
    Lie.ALG_NONE_MIXED_CASE: "id token: alg",
    Lie.ALG_HS256_PUBLIC_KEY: "id token: alg",
    Lie.ALG_HS256_CLIENT_SECRET: "id token: alg",
    Lie.ALG_NOT_ALLOWED: "id token: alg",
    Lie.KID_UNKNOWN: "id token: kid",
    Lie.KID_MISSING: "id token: kid",
    Lie.KEY_FOR_ENCRYPTION: "id token: kid",
    Lie.KEY_IN_HEADER: "id token: header members",
    Lie.KEY_BY_URL: "id token: header members",
    Lie.CRIT_UNKNOWN: "id token: header members",
    Lie.ISS_WRONG: "id token: iss",
    Lie.ISS_TRAILING_SLASH: "id token: iss",
    Lie.ISS_MISSING: "id token: iss",
    Lie.AUD_WRONG: "id token: aud",
    Lie.AUD_MISSING: "id token: aud",
    Lie.AUD_WITH_STRANGER: "id token: aud",
    Lie.AZP_WRONG: "id token: azp",
    Lie.NONCE_WRONG: "id token: nonce",
    Lie.NONCE_MISSING: "id token: nonce",
    Lie.NONCE_EMPTY: "id token: nonce",
    Lie.EXPIRED: "id token: exp",
    Lie.EXP_MISSING: "id token: exp",
    Lie.EXP_NOT_A_NUMBER: "id token: exp",
    Lie.IAT_FUTURE: "id token: iat",
    Lie.IAT_MISSING: "id token: iat",
    Lie.NBF_FUTURE: "id token: nbf",
    Lie.TYP_WRONG: "id token: typ",
    Lie.ACR_MISSING: "id token: acr",
    Lie.ACR_ZERO: "id token: acr",
    Lie.ACR_UNKNOWN: "id token: acr",
    Lie.ACR_NOT_TEXT: "id token: acr",
    Lie.AT_HASH_WRONG: "id token: at_hash",
    Lie.AUTH_TIME_OLD: "id token: auth_time",
    Lie.AUTH_TIME_FUTURE: "id token: auth_time",
    Lie.AUTH_TIME_MISSING: "id token: auth_time",
    Lie.SUB_MISSING: "id token: sub",
    Lie.SUB_EMPTY: "id token: sub",
    Lie.USERNAME_OF_ANOTHER: "identity: SubjectNameID and preferred_username differ",
    Lie.USERINFO_SUB_OF_ANOTHER: "userinfo: sub",
    Lie.USERINFO_OF_ANOTHER: "userinfo: sub",
    Lie.USERINFO_SUB_MISSING: "userinfo: sub",
    Lie.SUBJECT_NAME_ID_MISSING: "identity: SubjectNameID",
    Lie.SUBJECT_NAME_ID_EMPTY: "identity: SubjectNameID",
    Lie.SUBJECT_NAME_ID_NUMBER: "userinfo: SubjectNameID",
    Lie.SUBJECT_NAME_ID_OF_ANOTHER: "identity: SubjectNameID and preferred_username differ",
    Lie.SUBJECT_NAME_ID_TWICE: "userinfo: malformed",
    Lie.SUBJECT_NAME_ID_SHAPELESS: "identity: ",
    Lie.RPPS_OF_ANOTHER: "identity: two different RPPS",
    Lie.RPPS_OF_ANOTHER_ADDED: "identity: two different RPPS",
    Lie.OTHER_IDS_NOT_A_LIST: "userinfo: otherIds",
    Lie.REF_PRO_NOT_AN_OBJECT: "userinfo: SubjectRefPro",
    Lie.ACTIVITIES_NOT_A_LIST: "userinfo: activities",
    Lie.USERINFO_LIST: "userinfo: malformed",
    Lie.USERINFO_HTML: "userinfo: not JSON",
    Lie.USERINFO_JWT_UNSIGNED: "userinfo: not JSON",
    Lie.USERINFO_NESTED: "userinfo: malformed",
    Lie.USERINFO_401: "userinfo: status 401",
    Lie.USERINFO_500: "provider: status 500",
    Lie.USERINFO_REDIRECTED: "userinfo: status 302",
    Lie.USERINFO_HUGE: "provider: ChunkedEncodingError",
    Lie.USERINFO_SLOW: "provider: ",
    Lie.USERINFO_DRIPPED: "provider: ",
    Lie.JWKS_500: "keys: none",
    Lie.JWKS_HTML: "keys: none",
    Lie.JWKS_EMPTY: "keys: none",
    Lie.JWKS_OTHER_KEYS: "id token: signature",
    Lie.JWKS_REDIRECTED: "keys: none",
    Lie.JWKS_HUGE: "keys: none",
    Lie.JWKS_SLOW: "keys: none",
}
OF_DISCOVERY = [lie for lie in Lie if lie.startswith("discovery_")]
ELSEWHERE = {*OF_DISCOVERY, Lie.PROMPT_LOGIN_IGNORED, Lie.LOGOUT_STATE_CHANGED}
"""Lies that a sign-in does not meet, with their own tests below."""


def test_every_lie_that_can_be_told_is_tried() -> None:
    assert set(Lie) == set(REASONS) | ELSEWHERE


@pytest.mark.spec(
    "PSC-01", "PSC-02", "PSC-03", "PSC-04", "REG-03",
    "PSC-R4", "PSC-R5", "PSC-R8", "PSC-R9", "PSC-R11", "PSC-R12",
)  # fmt: skip
@pytest.mark.parametrize("lie", sorted(REASONS))
def test_one_lie_gives_no_assertion_and_its_reason_stays_in_the_log(world: World, lie: Lie) -> None:
    world.psc.lie = lie
    before = time.monotonic()
    with pytest.raises(Refusal) as refusal:
        world.sign_in()
    assert time.monotonic() - before < 5
    assert refusal.value.detail.startswith(REASONS[lie])
    assert refusal.value.text in {"signin.psc.refused", "signin.psc.unavailable"}
    assert not refusal.value.facts
    assert world.psc.requests_to("elsewhere/token") == []


@pytest.mark.spec("PSC-03")
def test_a_session_from_before_does_not_pass_for_a_new_proof(world: World) -> None:
    visitor = world.psc.visitor()
    world.sign_in(visitor=visitor)
    world.clock.advance(timedelta(minutes=5))
    world.psc.lie = Lie.PROMPT_LOGIN_IGNORED
    with pytest.raises(PscRefused) as refusal:
        world.sign_in(visitor=visitor, reauthenticate=True)
    assert refusal.value.detail == "id token: auth_time"
    world.psc.lie = None
    again = world.sign_in(visitor=visitor, reauthenticate=True)
    assert world.gateway_clock.now() - again.auth_time < 60


@pytest.mark.spec("PSC-02")
@pytest.mark.parametrize("lie", OF_DISCOVERY)
def test_a_provider_that_describes_itself_otherwise_is_found_out_and_never_followed(world: World, lie: Lie) -> None:
    assert differences(world.client.metadata(), environment=world.environment) == ()
    world.psc.lie = lie
    with contextlib.suppress(PscUnavailable):
        assert differences(world.client.metadata(), environment=world.environment)
    assert world.sign_in().issuer == world.psc.issuer, "the pinned addresses are still the true ones"


@pytest.mark.spec("PSC-R4")
def test_the_answer_of_another_browser_is_refused_without_a_call(world: World) -> None:
    address, _ = world.party.ask("0transaction")
    _, mine = world.party.ask("0transaction")
    answer = world.psc.visitor().sign_in(address)
    with pytest.raises(PscRefused):
        world.party.answered(UnverifiedCallback(parse_qsl(urlsplit(answer).query)), attempt=mine)
    assert world.psc.requests_to("token") == []


def test_a_refusal_on_the_phone_has_its_own_text(world: World) -> None:
    with pytest.raises(PscDeclined) as refusal:
        world.sign_in(decision="refuse")
    assert refusal.value.text == "signin.psc.declined"


def test_a_code_is_worth_nothing_the_second_time(world: World) -> None:
    address, attempt = world.party.ask("0transaction")
    answer = UnverifiedCallback(parse_qsl(urlsplit(world.psc.visitor().sign_in(address)).query))
    world.party.answered(answer, attempt=attempt)
    with pytest.raises(PscRefused) as refusal:
        world.party.answered(answer, attempt=attempt)
    assert refusal.value.detail == "token: status 400, invalid_grant"


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
@pytest.mark.parametrize("keycloak", ["modern", "legacy"])
def test_the_truth_is_believed_in_both_shapes_of_keycloak(world: World, keycloak: Any, method: str) -> None:
    world.psc.keycloak = keycloak
    world.start(authentication_method=method)
    assertion = world.sign_in()
    assert (assertion.rpps, assertion.acr) == ("99900000011", "eidas3")
    assert len(world.psc.requests_to("userinfo")) == 1


@pytest.mark.spec("PSC-R14")
@pytest.mark.parametrize("quirk", list(Quirk))
def test_an_oddity_is_borne(world: World, quirk: Quirk) -> None:
    world.psc.quirk = quirk
    assert world.sign_in().rpps == "99900000011"


@pytest.mark.spec("REG-03", "PSC-R9")
def test_the_level_is_judged_by_the_list(world: World) -> None:
    for acr in ("eidas1", "eidas2", "eidas3"):
        world.psc.acr = acr
        assert world.sign_in().acr == acr
    world.start(accepted_acr=["eidas2", "eidas3"])
    world.psc.acr = "eidas1"
    with pytest.raises(PscRefused):
        world.sign_in()


@pytest.mark.spec("PSC-04", "PSC-R13", "PSC-R15")
@pytest.mark.parametrize("means", ["ecps", "card"])
def test_everybody_whom_the_simulator_knows_is_read_by_type(world: World, means: Any) -> None:
    for person in world.psc.realm.personas.with_means(means):
        assertion = world.sign_in(person.key, means=means)
        own, *_ = assertion.national_ids
        assert own.value == person.national_id
        declared = {str(one["identifiant"]) for one in person.other_ids if one["origine"] == "RPPS"}
        numbers = {value.removeprefix("8") for value in declared | {person.national_id} if len(value) == 12}
        assert assertion.rpps == (next(iter(numbers)) if numbers else None), person.key
        assert len(assertion.activities) == sum(len(one.get("activities", [])) for one in person.exercices or [])
        assert (own.type is IdentifierType.RPPS) == (
            person.national_id.startswith("8") and len(person.national_id) == 12
        )


@pytest.mark.spec("PSC-R10", "PSC-06")
def test_a_rotation_of_keys_costs_nobody_a_sign_in(world: World) -> None:
    world.sign_in()
    world.clock.advance(timedelta(seconds=61))
    world.psc.rotate_keys()
    world.sign_in()
    world.psc.drop_retired_keys()
    world.sign_in()
    assert len(world.psc.requests_to("certs")) == 2


@pytest.mark.spec("PSC-07", "PSC-R23")
def test_leaving_ends_their_session_and_comes_back_to_the_declared_address(world: World) -> None:
    visitor = world.psc.visitor()
    assertion = world.sign_in(visitor=visitor)
    state = opaque(system_randomness)

    def left() -> str | None:
        back = visitor.follow(
            end_session_address(
                world.environment, id_token=assertion.id_token, post_logout_redirect_uri=LEFT, state=state
            )
        )
        assert back.partition("?")[0] == LEFT
        return parse_qs(urlsplit(back).query).get("state", [None])[0]

    assert is_our_return(left(), expected_state=state)
    assert world.psc.realm.sessions is not None
    assert world.sign_in(visitor=visitor).auth_time >= assertion.auth_time, "she was asked again"
    world.psc.quirk = Quirk.LOGOUT_WITHOUT_STATE
    assert is_our_return(left(), expected_state=state)
    world.psc.quirk, world.psc.lie = None, Lie.LOGOUT_STATE_CHANGED
    assert not is_our_return(left(), expected_state=state)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What an administrator would read who sets everything to DEBUG, but for the simulator's own server and visitor."""
    written = io.StringIO()
    handler, root = logging.StreamHandler(written), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.mark.spec("PSC-R22", "PSC-05")
def test_nothing_of_a_sign_in_is_in_the_log(world: World, log: io.StringIO) -> None:
    address, attempt = world.party.ask("0transaction")
    answer = UnverifiedCallback(parse_qsl(urlsplit(world.psc.visitor().sign_in(address)).query))
    log.truncate(0)  # the visitor's browser is not ours
    assertion = world.party.answered(answer, attempt=attempt)
    with pytest.raises(PscRefused) as refusal:
        world.party.answered(answer, attempt=attempt)
    said = f"{log.getvalue()}{assertion!r}{attempt!r}{answer!r}{refusal.value!r}{refusal.value.detail}"
    secrets = [assertion.id_token, *assertion.id_token.split("."), SECRET, attempt.nonce, attempt.code_verifier]
    secrets += [value for name, value in answer.pairs if name in {"code", "state"}]
    assert "POST /auth/realms" in log.getvalue(), "the test would see a log"
    assert not [secret for secret in secrets if secret in said]
