"""The logout call: what an application receives over real HTTP, how often, and what the journal says of it."""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest

from gateway.applications.client import Client, ClientAuthenticationMethod
from gateway.jobs.outgoing import LOGOUT_RETRY_DELAYS, OutgoingJob
from gateway.jobs.send_logout import LEFT_ALONE_SECONDS, SendLogout
from gateway.journal.effects import NO_EFFECTS, Effects, Outgoing
from gateway.keys.key_ring import KeyRing
from gateway.keys.purposes import Purpose, PurposeKey
from gateway.keys.rotation import new_key
from gateway.keys.signer import Signer
from gateway.keys.signing_key import Algorithm, KeyState, SigningKey
from gateway.messages.logout_http import HttpLogoutCaller
from gateway.oidc.subjects import Subjects
from gateway.randomness import system_randomness
from gateway.signin.ended_session import LOGOUT_CALL
from gateway.storage.ephemeral import EphemeralStore, open_ephemeral
from tests.fakes import SetClock

ISSUER = "https://portail.example"
KEYS = {
    algorithm: new_key(algorithm, KeyState.ACTIVE, now=0.0, randomness=system_randomness, rsa_bits=2048)
    for algorithm in (Algorithm.ES256, Algorithm.RS256)
}


class Keys:
    def all(self) -> list[SigningKey]:
        return list(KEYS.values())

    def version(self) -> int:
        return 1

    def replace(self, keys: object, *, expected_version: int, effects: Effects) -> None:
        raise NotImplementedError


class Application:
    """An application's door: what it received, and the statuses it answers with, the last one again and again."""

    def __init__(self) -> None:
        self.received: list[tuple[str, str, dict[str, list[str]]]] = []
        self.statuses = [200]
        self.waits_for: threading.Event | None = None
        application = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                application.received.append((self.path, self.headers.get("Content-Type", ""), parse_qs(body)))
                if application.waits_for is not None:
                    application.waits_for.wait(10)
                statuses = application.statuses
                self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST  # noqa: N815 -- the name that the server calls

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.address = f"http://127.0.0.1:{self.server.server_port}/backchannel-logout"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def tokens(self) -> list[str]:
        return [form["logout_token"][0] for _, _, form in self.received]


class Registry:
    def __init__(self, *clients: Client) -> None:
        self.clients = {client.client_id: client for client in clients}

    def find(self, client_id: str) -> Client | None:
        return self.clients.get(client_id)

    def all(self) -> list[Client]:
        return list(self.clients.values())


def a_client(client_id: str, address: str | None, algorithm: str = "ES256") -> Client:
    return Client(
        client_id=client_id,
        name={"fr": client_id},
        redirect_uris=("https://a.example/callback",),
        post_logout_redirect_uris=(),
        authentication_method=ClientAuthenticationMethod.CLIENT_SECRET_BASIC,
        scopes=frozenset({"openid"}),
        audience="https://a.example",
        role_application=client_id,
        id_token_algorithm=algorithm,
        backchannel_logout_uri=address,
    )


@pytest.fixture
def application() -> Iterator[Application]:
    opened = Application()
    yield opened
    opened.server.shutdown()
    opened.server.server_close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EphemeralStore]:
    opened = open_ephemeral(f"sqlite:///{tmp_path}/ephemeral.db", system_randomness)
    yield opened
    opened.close()


class _Spooled:
    def __init__(self, store: EphemeralStore) -> None:
        self._spool = store.spool

    def take(self, now: float) -> Any:
        return self._spool.take_outgoing(now, 20, 60)

    def done(self, item_id: str, effects: Effects) -> None:
        self._spool.done(item_id, effects)

    def retry(self, item_id: str, at: float, effects: Effects) -> None:
        self._spool.retry(item_id, at, effects)


class Desk:
    """The job over the real spool, and a clock set by hand."""

    def __init__(self, store: EphemeralStore, *clients: Client, timeout: float = 3.0) -> None:
        self.clock, self.store = SetClock(), store
        sender = SendLogout(
            clients=Registry(*clients),
            signer=Signer(KeyRing(Keys(), clock=self.clock)),
            subjects=Subjects(PurposeKey(Purpose.PAIRWISE_SUBJECT, b"p" * 32)),
            caller=HttpLogoutCaller(timeout=timeout),
            issuer=ISSUER,
            ttl_seconds=120,
            clock=self.clock,
            randomness=system_randomness,
        )
        self._job = OutgoingJob(queues=[_Spooled(store)], handlers=sender.handlers(), clock=self.clock)

    def ended(self, *client_ids: str, sid: str = "session-1") -> None:
        items = [Outgoing(LOGOUT_CALL, {"client": c, "sid": sid, "account": "account-1"}) for c in client_ids]
        self.store.spool.note(Effects(outgoing=tuple(items)))

    def run(self, seconds: float = 0) -> int:
        self.clock.advance(seconds)
        return self._job.run_once()

    def journal(self) -> list[tuple[str, str | None, str | None, str | None]]:
        return [(e.name, e.client, e.target, e.reason) for _, e in self.store.spool.take_events(100)]


def claims(token: str, algorithm: Algorithm = Algorithm.ES256) -> dict[str, Any]:
    """Verified by another library, against the public half of the key."""
    ring = KeyRing(Keys(), clock=SetClock())
    ring.keep_fresh()
    public = ring.verifying(KEYS[algorithm].kid)
    assert public is not None
    key = jwt.PyJWK.from_dict({**public.key.as_dict(private=False), "alg": str(algorithm)})
    return jwt.decode(
        token,
        key,
        [str(algorithm)],
        audience="orientation",
        issuer=ISSUER,
        options={"verify_exp": False, "verify_iat": False},
    )


@pytest.mark.spec("SES-07")
@pytest.mark.parametrize("algorithm", [Algorithm.ES256, Algorithm.RS256])
def test_the_application_receives_one_form_with_a_logout_token_for_it_alone(
    application: Application, store: EphemeralStore, algorithm: Algorithm
) -> None:
    desk = Desk(store, a_client("orientation", application.address, str(algorithm)))
    desk.ended("orientation")
    desk.run()
    ((path, content_type, form),) = application.received
    assert (path, content_type, set(form)) == (
        "/backchannel-logout",
        "application/x-www-form-urlencoded",
        {"logout_token"},
    )
    (token,) = application.tokens
    assert jwt.get_unverified_header(token)["typ"] == "logout+jwt"
    said = claims(token, algorithm)
    assert said.pop("jti")
    now = int(desk.clock.now())
    assert said == {
        "iss": ISSUER,
        "aud": "orientation",
        "sub": "account-1",
        "sid": "session-1",
        "iat": now,
        "exp": now + 120,
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }
    assert desk.journal() == [("logout.sent", "orientation", "account-1", None)]
    assert desk.run(1000) == 0


@pytest.mark.spec("SES-07", "OID-16")
def test_the_names_in_it_are_those_of_the_applications_sector(application: Application, store: EphemeralStore) -> None:
    """What its ID tokens say, or it could not tell which session has ended."""
    desk = Desk(store, replace(a_client("orientation", application.address), sector="orientation.example"))
    desk.ended("orientation")
    desk.run()
    said = claims(application.tokens[0])
    subjects = Subjects(PurposeKey(Purpose.PAIRWISE_SUBJECT, b"p" * 32))
    assert said["sub"] == subjects.sub("account-1", "orientation.example")
    assert said["sid"] == subjects.sid("session-1", "orientation.example")
    assert desk.journal() == [("logout.sent", "orientation", "account-1", None)]


@pytest.mark.spec("SES-07")
def test_a_refusal_is_followed_by_later_tries_each_with_a_token_of_its_own(
    application: Application, store: EphemeralStore
) -> None:
    application.statuses = [503, 400, 200]
    desk = Desk(store, a_client("orientation", application.address))
    desk.ended("orientation")
    later = [0, 0, LOGOUT_RETRY_DELAYS[0], 0, LOGOUT_RETRY_DELAYS[1]]
    assert [desk.run(seconds) for seconds in later] == [1, 0, 1, 0, 1]
    said = [claims(token) for token in application.tokens]
    assert len({token["jti"] for token in said}) == 3
    assert [token["iat"] - said[0]["iat"] for token in said] == [0, 1, 3]
    assert desk.journal() == [("logout.sent", "orientation", "account-1", None)]


@pytest.mark.spec("SES-07", "LOG-01")
def test_an_application_that_never_answers_well_is_given_up_visibly(
    application: Application, store: EphemeralStore
) -> None:
    application.statuses = [302]  # a redirect is not followed: nothing is asked elsewhere
    desk = Desk(store, a_client("orientation", application.address))
    desk.ended("orientation")
    assert [desk.run(delay) for delay in (0, *LOGOUT_RETRY_DELAYS)] == [1] * 10
    assert desk.journal() == [("logout.failed", "orientation", "account-1", "given_up")]
    assert {path for path, _, _ in application.received} == {"/backchannel-logout"}
    assert desk.run(1000) == 0


@pytest.mark.spec("SES-07")
def test_one_application_that_fails_keeps_none_of_the_others_waiting(
    application: Application, store: EphemeralStore
) -> None:
    closed = Application()
    closed.server.server_close()
    desk = Desk(store, a_client("orientation", application.address), a_client("closed", closed.address))
    desk.ended("closed", "orientation")
    desk.run()
    assert len(application.received) == 1
    assert ("logout.sent", "orientation", "account-1", None) in desk.journal()
    closed.server.shutdown()


def test_an_application_that_lets_us_wait_in_vain_is_left_alone_for_a_moment(
    application: Application, store: EphemeralStore
) -> None:
    application.waits_for = threading.Event()
    desk = Desk(store, a_client("orientation", application.address), timeout=0.05)
    # The clock of the test does not move by itself: each reading of it is two seconds later.
    moved = desk.clock.now
    desk.clock.now = lambda: (desk.clock.advance(2), moved())[1]  # type: ignore[method-assign]
    desk.ended("orientation", sid="one")
    desk.ended("orientation", sid="two")
    desk.run()
    assert len(application.received) == 1
    application.waits_for.set()
    application.waits_for = None
    desk.run(LEFT_ALONE_SECONDS)
    assert len(application.received) == 3


def test_an_application_that_answers_drop_by_drop_holds_nobody(store: EphemeralStore) -> None:
    """A time-out between two octets would never strike, and every other message waits for the end of this call."""
    never = threading.Event()

    class Dripping(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            with contextlib.suppress(OSError):  # we hung up
                for _ in range(100):
                    self.wfile.write(b"x")
                    never.wait(0.02)
                self.wfile.write(b"\r\nContent-Length: 0\r\n\r\n")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Dripping)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    desk = Desk(store, a_client("dripping", f"http://127.0.0.1:{server.server_port}/"), timeout=0.3)
    desk.ended("dripping")
    assert desk.run() == 1
    assert desk.journal() == [], "it is cut off, and called again later"
    server.shutdown()
    server.server_close()


def test_an_application_that_is_gone_or_wants_no_call_is_not_called(store: EphemeralStore) -> None:
    desk = Desk(store, a_client("quiet", None))
    desk.ended("quiet", "gone")
    assert desk.run() == 2
    assert (desk.run(1000), desk.journal()) == (0, [])


def test_nothing_of_the_token_is_in_the_outbox(application: Application, store: EphemeralStore) -> None:
    desk = Desk(store, a_client("orientation", application.address))
    desk.ended("orientation")
    ((item_id, item, _),) = store.spool.take_outgoing(desk.clock.now(), 10, 0)
    assert json.loads(json.dumps(dict(item.payload))) == {
        "client": "orientation",
        "sid": "session-1",
        "account": "account-1",
    }
    store.spool.done(item_id, NO_EFFECTS)
