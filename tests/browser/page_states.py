"""Every page that a person can meet, in a state in which it is shown: what the good requests of every route answer, and the
pages that no good request leads to (a refusal, a link that is gone, the end of something).

A route of the people's door without a good request is no page only when a script calls it, or it serves a file.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from gateway.accounts.authenticator import Passkey
from gateway.accounts.one_time_link import LinkPurpose
from gateway.journal.effects import NO_EFFECTS
from gateway.randomness import identifier
from gateway.signin.evidence import Evidence, Means
from gateway.signin.shared_post.post import SharedBy
from tests.faults.good_psc_requests import GOOD, holder_signed_in
from tests.faults.good_requests import WHOLE, World, pairs
from tests.faults.raw_http import RawRequest, exchange
from tests.faults.visitor import Visitor

Requests = Callable[[World], list[RawRequest]]

ANSWERED_TO_SCRIPTS = ("/options", "/verify", "/challenge")
WITH_PASSKEY = "e.marchand"
LEAVES_BY_ITSELF = b'http-equiv="refresh"', b"/assets/form_post.", b"data-challenge="
"""Pages that a script, or the browser, leaves at once: only those without scripts look at them, and a browser held back."""


@dataclass(frozen=True)
class Stop:
    """One page: the route or the occasion, and which of its requests shows it."""

    occasion: str
    which: int
    status: int
    leaves: bool

    def request(self, world: World) -> RawRequest:
        """A new state, and the request that shows the page in it."""
        return PAGES[self.occasion](world)[self.which]


def stops(world: World) -> Iterator[Stop]:
    """Asks for everything once, without a browser, and keeps what is a page."""
    for occasion, requests in PAGES.items():
        for which, request in enumerate(requests(world)):
            answer = exchange(world.port, request.octets(), request.method)
            assert answer is not None, occasion
            if answer.by_name.get("content-type", "").startswith("text/html"):
                assert answer.status < 500, (occasion, answer.body)
                leaves = any(sign in answer.body for sign in LEAVES_BY_ITSELF)
                yield Stop(occasion, which, answer.status, leaves)


def is_listed(rule: str) -> bool:
    """Whether a rule of the people's door is visited here, or is no page."""
    return rule in PAGES or rule.endswith(ANSWERED_TO_SCRIPTS)


def _card(world: World) -> list[RawRequest]:
    visitor, path = world.journey()
    return [world.get(f"{path}/card", visitor)]


def _passkey(world: World) -> list[RawRequest]:
    visitor, path = world.journey()
    return [world.get(f"{path}/passkey", visitor)]


def _offer(world: World) -> list[RawRequest]:
    visitor, path = world.journey(*WHOLE)
    visitor.finish(path)
    return [world.get(f"{path}/passkey-offer", visitor)]


def _invited(path: str) -> Requests:
    def requests(world: World) -> list[RawRequest]:
        visitor = world.visitor()
        visitor.cookies["__Host-link"] = f"activation.{world.link(LinkPurpose.ACTIVATION, 'c.morel')}"
        return [world.get(path, visitor)]

    return requests


def _holder(world: World) -> tuple[Visitor, str]:
    """Somebody who has just signed in with their only passkey, and its name."""
    store, account, now = world.stores.database.passkeys, world.account(WITH_PASSKEY), world.clock.now()
    found = [one for one in store.of(account.id) if one.is_alive]
    if not found:
        found = [
            Passkey(
                identifier(world.stores.randomness), account.id, world.stores.randomness(16), b"key", 0,
                "00000000-0000-0000-0000-000000000000", True, True, ("internal",), "Mon ordinateur", now,
            )
        ]  # fmt: skip
        assert store.enrol(found[0], NO_EFFECTS, at_most=10)
    proof = Evidence(Means.PASSKEY, now, found[0].id, synced=True)
    return world.visitor(world.session(WITH_PASSKEY, evidence=(proof,))), found[0].id


def _passkeys(end: str = "") -> Requests:
    def requests(world: World) -> list[RawRequest]:
        visitor, _ = _holder(world)
        return [world.get(f"/compte/passkeys{end}", visitor)]

    return requests


def _one_passkey(end: str = "", form: str = "") -> Requests:
    def requests(world: World) -> list[RawRequest]:
        visitor, name = _holder(world)
        path = f"/compte/passkeys/{name}{end}"
        return [world.post(path, visitor, f"{form}:{name}", label="") if form else world.get(path, visitor)]

    return requests


def _on_shared_post(world: World) -> list[RawRequest]:
    return [world.get("/compte", world.visitor(world.session(shared=SharedBy.CHOICE)))]


def _just_signed_in_on_shared_post(world: World) -> list[RawRequest]:
    visitor, now = world.visitor(), world.clock.now()
    visitor.cookies["__Host-post"] = "choice"
    path = visitor.ask("GET", "/signin").location
    txn = world.stores.ephemeral.transactions.find(path.rpartition("/")[2], now)
    assert txn is not None
    proofs = tuple(Evidence(means, now) for means in WHOLE)
    proved = replace(txn, account_id=world.account("s.leroy").id, evidence=proofs)
    assert world.stores.ephemeral.transactions.save(proved, now, NO_EFFECTS)
    return [world.get("/", visitor, signed_in=visitor.ask("GET", path).location.partition("=")[2])]


def _posted_answer(world: World) -> list[RawRequest]:
    request = GOOD["/authorize"](world)[1]
    return [replace(request, query=(*request.query, *pairs(response_mode="form_post")))]


def _wrong_code(world: World) -> list[RawRequest]:
    visitor, path = world.journey(Means.PASSWORD, username="i.fabre")
    fields = visitor.form(f"{path}/code")
    return [world.post(f"{path}/code", visitor, None, **{**fields, "code": "00000000"})]


def _nothing_typed(world: World) -> list[RawRequest]:
    visitor, path = world.journey()
    fields = visitor.form(f"{path}/password")
    return [world.post(f"{path}/password", visitor, None, **{**fields, "identifier": "", "password": ""})]


def _tried_out(world: World) -> list[RawRequest]:
    """Five wrong codes of an application: only the other factors are left."""
    _, path = GOOD["/signin/<handle>/totp"](world)[1], ""
    request = GOOD["/signin/<handle>/totp"](world)[1]
    path = request.path.decode().removesuffix("/totp")
    for _ in range(5):
        exchange(world.port, request.octets(), request.method)
    factor = RawRequest(b"GET", f"{path}/factor".encode(), (), None, world.headers, request.cookies)
    return [factor]


def _said(path: str, **said: str) -> Requests:
    return lambda world: [world.get(path, world.visitor(world.session()), **said)]


def _anybody(path: str, **said: str) -> Requests:
    return lambda world: [world.get(path, world.visitor(), **said)]


PAGES: dict[str, Requests] = {
    **GOOD,
    "/signin/<handle>/card": _card,
    "/activation/card": _invited("/activation/card"),
    "/signin/<handle>/passkey": _passkey,
    "/signin/<handle>/passkey-offer": _offer,
    "/activation/passkey": _invited("/activation/passkey"),
    "/recovery/passkey": _anybody("/recovery/passkey"),
    "/compte/passkeys": _passkeys(),
    "/compte/passkeys/nouvelle": _passkeys("/nouvelle"),
    "/compte/passkeys/<passkey_id>": _one_passkey(),
    "/compte/passkeys/<passkey_id>/nom": _one_passkey("/nom", "passkey-name"),
    "/compte/passkeys/<passkey_id>/retrait": _one_passkey("/retrait", "passkey-remove"),
    # ── what no good request leads to ──
    "no such page": _anybody("/nowhere"),
    "an activation link that is gone": _anybody("/activation"),
    "a reset link that is gone": _anybody("/reset"),
    "a link that undoes nothing": _anybody("/undo_contact"),
    "a protest that is gone": _anybody("/not_me"),
    "an account that is active": _anybody("/activation", done=""),
    "a password that is changed": _anybody("/reset", done=""),
    "a mail that is on its way": _anybody("/forgotten", sent=""),
    "signed out": _anybody("/", signed_out=""),
    "a sign-in that is over": _anybody("/signin/" + "0" + "a" * 43),
    "a form of another browser": lambda world: [world.post("/signout", world.visitor(), None)],
    "my account on a shared post": _on_shared_post,
    "just signed in on a shared post": _just_signed_in_on_shared_post,
    "an answer that is posted to an application": _posted_answer,
    "out of Pro Santé Connect too": lambda world: [world.post("/signout", holder_signed_in(world), "signout")],
    "a sign-in with nothing typed": _nothing_typed,
    "a wrong code": _wrong_code,
    "a factor that was tried too often": _tried_out,
    "a telephone to verify": _said("/compte/contacts/telephone"),
    "an address for recovery": _said("/compte/contacts/secours"),
    "my contacts, one of them changed": _said("/compte/contacts", said="changed_phone"),
    "my sessions, one of them ended": _said("/compte/sessions", said="session_ended"),
}
