"""For every route, a request that succeeds: what the malformed ones start from, so that they get past the first check.

Each is made in a state of its own (transactions, sessions, codes, links), put in the stores directly. `GOOD` is keyed by the
route as the application names it; a new route needs a line here, and a test says so. Those of Pro Santé Connect stand in
`good_psc_requests`.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.accounts.account import Account
from gateway.accounts.one_time_link import LinkPurpose, link_token, new_link
from gateway.accounts.trusted_device import TrustedDevice
from gateway.clock import Clock
from gateway.journal.effects import NO_EFFECTS
from gateway.keys.purposes import Purpose
from gateway.randomness import handle, identifier, opaque, partition_of
from gateway.signin.device.cookie import with_device
from gateway.signin.evidence import Evidence, Means
from gateway.signin.session import Session
from gateway.web.csrf import FIELD, form_token
from gateway.wiring.stores import Stores
from sandbox.psc import RunningPsc
from tests.faults.deployment import AFTER_LOGOUT, REDIRECT_URI
from tests.faults.raw_http import Pairs, RawRequest
from tests.faults.visitor import BASIC, CHALLENGE, FORM, VERIFIER, Visitor, forms_of

WHOLE = (Means.PASSWORD, Means.EMAIL_CODE)


def pairs(**values: str) -> Pairs:
    return tuple((name.encode(), value.encode()) for name, value in values.items())


@dataclass
class World:
    """Makes states, and the requests that they deserve."""

    port: int
    stores: Stores
    psc: RunningPsc | None = None

    def __post_init__(self) -> None:
        self.headers = ((b"Host", f"localhost:{self.port}".encode()), (b"User-Agent", b"test"))
        self._form_key = self.stores.database.purpose_keys.get(Purpose.FORM)
        self._link_key = self.stores.database.purpose_keys.get(Purpose.LINK)
        self._draw = self.stores.randomness

    @property
    def clock(self) -> Clock:
        return self.stores.clock

    def account(self, username: str) -> Account:
        found = self.stores.database.accounts.find_by_username(username)
        assert found is not None
        return found

    # ── states ──

    def session(self, username: str = "s.leroy", **changes: Any) -> Session:
        account, now = self.account(username), self.clock.now()
        session = Session(
            handle=handle(self._draw, partition_of(account.id)),
            sid=identifier(self._draw),
            account_id=account.id,
            started_at=now,
            auth_time=now,
            last_used_at=now,
            absolute_end=now + 3600,
            idle_seconds=1800,
            evidence=tuple(Evidence(means, now) for means in WHOLE),
        )
        session = replace(session, **changes)
        self.stores.ephemeral.sessions.start(session, now, NO_EFFECTS)
        return session

    def visitor(self, session: Session | None = None) -> Visitor:
        visitor = Visitor(self.port)
        visitor.cookies["__Host-browser"] = opaque(self._draw)
        if session is not None:
            visitor.cookies["__Host-session"] = session.handle
        return visitor

    def journey(
        self,
        *means: Means,
        username: str = "s.leroy",
        scope: str = "openid profile",
        trusted: bool = False,
        **asked: str,
    ) -> tuple[Visitor, str]:
        """A visitor and the path of a journey with these proofs."""
        visitor = self.visitor()
        path = visitor.open_journey(scope=scope, **asked)
        account, now = self.account(username), self.clock.now()
        if trusted:
            device = self._trusted(account, now)
            visitor.cookies["__Host-device"] = with_device(None, account.id, device.id)
        if means:
            txn = self.stores.ephemeral.transactions.find(path.rpartition("/")[2], now)
            assert txn is not None
            proved = replace(
                txn, account_id=account.id, evidence=tuple(Evidence(proof, now) for proof in means), extra={}
            )
            assert self.stores.ephemeral.transactions.save(proved, now, NO_EFFECTS)
        return visitor, path

    def trusted(self, username: str) -> TrustedDevice:
        return self._trusted(self.account(username), self.clock.now())

    def _trusted(self, account: Account, now: float) -> TrustedDevice:
        device = TrustedDevice(
            id=opaque(self._draw),
            account_id=account.id,
            public_key=public_point(),
            label="test",
            proved_at=now,
            created_at=now,
            last_used_at=now,
        )
        self.stores.database.devices.trust(device, NO_EFFECTS)
        return device

    def link(self, purpose: LinkPurpose, username: str) -> str:
        account = self.account(username)
        link = new_link(
            self._link_key,
            purpose,
            account_id=account.id,
            contact_version=account.contact_version,
            now=self.clock.now(),
            ttl_seconds=3600,
            randomness=self._draw,
        )
        self.stores.database.links.issue(link, NO_EFFECTS)
        return link_token(self._link_key, purpose, link.id)

    # ── requests ──

    def get(self, path: str, visitor: Visitor | None = None, **query: str) -> RawRequest:
        return RawRequest(b"GET", path.encode(), pairs(**query), None, self.headers, _cookies(visitor))

    def post(self, path: str, visitor: Visitor | None, purpose: str | None, **fields: str) -> RawRequest:
        """`purpose` names the form whose token is added; None: no token."""
        if purpose is not None:
            assert visitor is not None
            browser = visitor.cookies["__Host-browser"]
            fields[FIELD] = form_token(lambda message: self._form_key.mac(Purpose.FORM, message), browser, purpose)
        headers = (*self.headers, (b"Content-Type", FORM.encode()))
        return RawRequest(b"POST", path.encode(), (), pairs(**fields), headers, _cookies(visitor))

    def step(self, path: str, purpose: str, visitor: Visitor, end: str = "", **fields: str) -> RawRequest:
        """The form of a step of a journey."""
        return self.post(f"{path}{end}", visitor, f"{purpose}:{path.rpartition('/')[2]}", **fields)

    def tokens(self) -> tuple[Visitor, dict[str, str]]:
        visitor = self.visitor(self.session())
        code = visitor.silently()
        assert code is not None
        return visitor, visitor.redeem(code).json()


def public_point() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _cookies(visitor: Visitor | None) -> Pairs:
    return pairs(**visitor.cookies) if visitor is not None else ()


def _authorization(**more: str) -> dict[str, str]:
    return {
        "client_id": "orientation",
        "response_type": "code",
        "redirect_uri": REDIRECT_URI,
        "scope": "openid profile email",
        "state": "a state",
        "nonce": "a nonce",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "ui_locales": "fr en",
        **more,
    }


def _home(world: World) -> list[RawRequest]:
    return [world.get("/"), world.get("/", world.visitor(world.session()))]


def _token(world: World) -> list[RawRequest]:
    code = world.visitor(world.session()).silently() or ""
    asked = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
    }
    return [world.post("/token", None, None, **asked).with_header(b"Authorization", BASIC.encode())]


def _par(world: World) -> list[RawRequest]:
    asked = world.post("/par", None, None, **_authorization(claims='{"userinfo":{"email":null}}', max_age="600"))
    return [asked.with_header(b"Authorization", BASIC.encode())]


def _about_a_token(path: str) -> Callable[[World], list[RawRequest]]:
    """Revocation and introspection, asked by the application that the token was issued to."""

    def ask(world: World) -> list[RawRequest]:
        asked = world.post(path, None, None, token=world.tokens()[1]["access_token"], token_type_hint="access_token")
        return [asked.with_header(b"Authorization", BASIC.encode())]

    return ask


def _userinfo(world: World) -> list[RawRequest]:
    bearer = f"Bearer {world.tokens()[1]['access_token']}".encode()
    return [
        world.get("/userinfo").with_header(b"Authorization", bearer),
        world.post("/userinfo", None, None).with_header(b"Authorization", bearer),
    ]


def _habilitations(world: World) -> list[RawRequest]:
    visitor = world.visitor(world.session())
    asked = visitor.authorize(expected=("authorization.granted",), prompt="none", scope="openid ror")
    bearer = f"Bearer {visitor.redeem(asked.query()['code']).json()['access_token']}".encode()
    page = world.get("/v1/me/habilitations", None, limit="2", after="fineg:990000001")
    return [page.with_header(b"Authorization", bearer)]


def _session_activity(world: World) -> list[RawRequest]:
    bearer = f"Bearer {world.tokens()[1]['access_token']}".encode()
    return [
        world.get("/v1/session/activity").with_header(b"Authorization", bearer),
        world.post("/v1/session/activity", None, None).with_header(b"Authorization", bearer),
    ]


def _signed_out(world: World) -> list[RawRequest]:
    visitor = world.visitor(world.session(clients=("orientation", "suivi")))
    visitor.ask("POST", "/signout", fields=forms_of(visitor.ask("GET", "/compte").text)["/signout"])
    assert "__Host-left" in visitor.cookies
    return [
        world.get("/signed-out", visitor),
        world.get("/signed-out", visitor).with_header(b"Accept", b"application/json"),
        world.get("/signed-out"),
    ]


def _authorize(world: World) -> list[RawRequest]:
    return [
        world.get("/authorize", None, **_authorization()),
        world.get("/authorize", world.visitor(world.session()), **_authorization(prompt="none", max_age="600")),
        world.get("/authorize", world.visitor(world.session()), **_authorization(prompt="login", login_hint="s.leroy")),
        world.post("/authorize", None, None, **_authorization(claims='{"id_token":{"acr":{"essential":true}}}')),
    ]


def _resume(world: World) -> list[RawRequest]:
    visitor, path = world.journey(*WHOLE)
    return [world.get(visitor.finish(path).location, visitor)]


def _logout(world: World) -> list[RawRequest]:
    visitor, tokens = world.tokens()
    back = {"post_logout_redirect_uri": AFTER_LOGOUT, "state": "a state"}
    hint = {"id_token_hint": tokens["id_token"], **back}
    asked = {"client_id": "orientation", **back}
    return [
        world.get("/logout", visitor, **hint),
        world.get("/logout", world.visitor(world.session()), **asked),
        world.post("/logout", visitor, None, **hint),
        world.post("/logout", world.visitor(world.session()), "logout", **asked),
    ]


def _dispatch(world: World) -> list[RawRequest]:
    done, path = world.journey(*WHOLE)
    begun, begun_path = world.journey()
    return [world.get(path, done), world.get(begun_path, begun)]


def _password(world: World) -> list[RawRequest]:
    visitor, path = world.journey()
    typed = {"identifier": f"nobody-{opaque(world.stores.randomness, 6)}", "password": "not-the-right-one"}
    return [
        world.get(f"{path}/password", visitor),
        world.step(path, "password", visitor, "/password", **typed),
    ]


def _code(world: World) -> list[RawRequest]:
    visitor, path = world.journey(Means.PASSWORD, username="e.marchand")
    begun = visitor.form(f"{path}/code")
    key = base64.urlsafe_b64encode(public_point()).rstrip(b"=").decode()
    filled = {"code": "12345678", "trust": "yes", "device_public_key": key}
    fresh, fresh_path = world.journey(Means.PASSWORD, username="k.haddad")
    return [
        world.get(f"{fresh_path}/code", fresh, wait="30"),
        world.post(f"{path}/code", visitor, None, **{**begun, **filled}),
    ]


def _resend(world: World) -> list[RawRequest]:
    visitor, path = world.journey(Means.PASSWORD, username="p.girard")
    return [world.step(path, "resend", visitor, "/code/resend", channel="email")]


def _device(world: World) -> list[RawRequest]:
    visitor, path = world.journey(Means.PASSWORD, trusted=True)
    return [
        world.get(f"{path}/device", visitor),
        world.step(path, "device", visitor, "/device", signature="A" * 86),
    ]


def _structure(world: World) -> list[RawRequest]:
    visitor, path = world.journey(*WHOLE, username="n.benali", scope="openid ror")
    return [
        world.get(f"{path}/structure", visitor),
        world.step(path, "structure", visitor, "/structure", structure="990000010"),
    ]


def _consent(world: World) -> list[RawRequest]:
    visitor, path = world.journey(*WHOLE, prompt="consent")
    return [world.get(f"{path}/consent", visitor), world.step(path, "consent", visitor, "/consent")]


def _post(world: World) -> list[RawRequest]:
    visitor = world.visitor()
    return [
        world.get("/post"),
        world.get("/post", visitor, shared="").with_header(b"Sec-Fetch-Site", b"none"),
        world.post("/post", visitor, "post", shared="yes"),
    ]


def _post_of(world: World) -> list[RawRequest]:
    visitor, path = world.journey()
    return [world.get(f"{path}/post", visitor), world.post(f"{path}/post", visitor, "post", shared="yes")]


def _same_person(world: World) -> list[RawRequest]:
    visitor = world.visitor(world.session())
    visitor.cookies["__Host-post"] = "choice"
    path = visitor.open_journey(scope="openid profile")
    return [
        world.get(f"{path}/same_person", visitor),
        world.step(path, "same_person", visitor, "/same_person", answer="me"),
    ]


def _cancel(world: World) -> list[RawRequest]:
    visitor, path = world.journey()
    return [world.step(path, "cancel", visitor, "/cancel")]


def _landing(purpose: LinkPurpose, username: str) -> Callable[[World], list[RawRequest]]:
    return lambda world: [world.get(f"/{purpose}/{world.link(purpose, username)}", world.visitor())]


def _new_password(purpose: LinkPurpose, username: str) -> Callable[[World], list[RawRequest]]:
    def requests(world: World) -> list[RawRequest]:
        visitor = world.visitor()
        visitor.cookies["__Host-link"] = f"{purpose}.{world.link(purpose, username)}"
        weak = {"new_password": "trop court", "again": "trop court"}
        return [
            world.get(f"/{purpose}", visitor),
            world.post(f"/{purpose}", visitor, purpose.value, **weak),
        ]

    return requests


def _forgotten(world: World) -> list[RawRequest]:
    return [
        world.get("/forgotten"),
        world.post(
            "/forgotten", world.visitor(), "forgotten", identifier=f"nobody-{opaque(world.stores.randomness, 6)}"
        ),
    ]


def _asset(world: World) -> list[RawRequest]:
    page = world.visitor().ask("GET", "/").text
    address = page.partition('href="/assets/')[2].partition('"')[0]
    return [world.get(urlsplit(f"/assets/{address}").path)]


def _plain(path: str) -> Callable[[World], list[RawRequest]]:
    return lambda world: [world.get(path)]


GOOD: dict[str, Callable[[World], list[RawRequest]]] = {
    "/": _home,
    "/accessibilite": _plain("/accessibilite"),
    "/.well-known/openid-configuration": _plain("/.well-known/openid-configuration"),
    "/activation": _new_password(LinkPurpose.ACTIVATION, "c.morel"),
    "/activation/<token>": _landing(LinkPurpose.ACTIVATION, "c.morel"),
    "/assets/<name>": _asset,
    "/authorize": _authorize,
    "/authorize/resume/<txn>": _resume,
    "/forgotten": _forgotten,
    "/health": _plain("/health"),
    "/health/live": _plain("/health/live"),
    "/jwks": _plain("/jwks"),
    "/logout": _logout,
    "/par": _par,
    "/post": _post,
    "/reset": _new_password(LinkPurpose.RESET, "k.haddad"),
    "/reset/<token>": _landing(LinkPurpose.RESET, "k.haddad"),
    "/session-watch-1.js": _plain("/session-watch-1.js"),
    "/signed-out": _signed_out,
    "/signin": lambda world: [world.get("/signin"), world.get("/signin", world.visitor(world.session()))],
    "/signin/<handle>": _dispatch,
    "/introspect": _about_a_token("/introspect"),
    "/revoke": _about_a_token("/revoke"),
    "/signin/<handle>/cancel": _cancel,
    "/signin/<handle>/code": _code,
    "/signin/<handle>/consent": _consent,
    "/signin/<handle>/code/resend": _resend,
    "/signin/<handle>/device": _device,
    "/signin/<handle>/password": _password,
    "/signin/<handle>/post": _post_of,
    "/signin/<handle>/same_person": _same_person,
    "/signin/<handle>/structure": _structure,
    "/signout": lambda world: [world.post("/signout", world.visitor(world.session()), "signout")],
    "/token": _token,
    "/v1/me/habilitations": _habilitations,
    "/v1/session/activity": _session_activity,
    "/userinfo": _userinfo,
}
