"""The good requests of Pro Santé Connect and of linking; `GOOD` holds them with all the others.

What waits in a transaction, or stands in a session, is sealed as the gateway seals it; only an answer of Pro Santé Connect
comes from the simulator, because nothing else could make one.
"""

from collections.abc import Callable
from dataclasses import replace
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from gateway.accounts.identity_link import LinkKind, LinkProof
from gateway.accounts.one_time_link import LinkPurpose, link_token, new_link
from gateway.journal.effects import NO_EFFECTS
from gateway.keys.purposes import Purpose
from gateway.randomness import opaque
from gateway.signin.evidence import Evidence, Means
from gateway.signin.linking.identity import ProvedIdentity, Situation, link_of
from gateway.signin.linking.pending import IdentitySeal
from tests.faults import good_account_requests, good_requests, good_team_requests
from tests.faults.deployment import AFTER_LOGOUT
from tests.faults.good_requests import WHOLE, World
from tests.faults.raw_http import RawRequest
from tests.faults.visitor import Visitor

HOLDER = "s.leroy"
"""Who has no RPPS of their own, so that anybody's identity could be theirs."""
TOLD = (Situation("60", "S", "Foyer fictif", ("fineg:990000010",)), Situation("60", "L", "Cabinet fictif"))


def _seal(world: World) -> IdentitySeal:
    return IdentitySeal(world.stores.database.purpose_keys.get(Purpose.PENDING_IDENTITY), world.stores.randomness)


def _identity(world: World, *, age: float = 0.0) -> ProvedIdentity:
    """One that nobody here has, of the person whose account `HOLDER` is."""
    assert world.psc is not None
    account, now = world.account(HOLDER), world.clock.now()
    return ProvedIdentity(
        kind=LinkKind.PSC,
        issuer=world.psc.issuer,
        subject=f"f:test:{opaque(world.stores.randomness, 8)}",
        national_id=None,
        rpps=None,
        family_name=account.family_name,
        given_name=account.given_name,
        profession=None,
        proved_at=now - age,
        expires_at=now + 3600,
        upstream_acr="eidas2",
        id_token="head.payload.signature",
        situations=TOLD,
    )


def _waiting(world: World, *proved: Means, chosen: bool = False, age: float = 0.0) -> tuple[Visitor, str]:
    """A journey in which an identity waits for its account."""
    visitor, path = world.journey(*proved, username=HOLDER)
    _write(world, path, lambda handle: _seal(world).held(_identity(world, age=age), handle, chosen=chosen))
    return visitor, path


def _write(world: World, path: str, extra: Callable[[str], Any], **changes: Any) -> None:
    transactions, now = world.stores.ephemeral.transactions, world.clock.now()
    txn = transactions.find(path.rpartition("/")[2], now)
    assert txn is not None
    assert transactions.save(replace(txn, extra=extra(txn.handle), **changes), now, NO_EFFECTS)


def _means(world: World) -> list[RawRequest]:
    visitor = world.visitor()
    path = visitor.open_journey(claims='{"id_token":{"acr":{"essential":true,"value":"urn:passerelle:acr:psc"}}}')
    return [world.get(f"{path}/means", visitor)]


def _link(world: World) -> list[RawRequest]:
    shown, shown_path = _waiting(world)
    mine, mine_path = _waiting(world)
    none, none_path = _waiting(world)
    return [
        world.get(f"{shown_path}/link", shown),
        world.step(mine_path, "link", mine, "/link", choice="existing"),
        world.step(none_path, "link", none, "/link", choice="none"),
    ]


def _give_up(world: World) -> list[RawRequest]:
    visitor, path = _waiting(world)
    return [world.step(path, "give-up", visitor, "/link/give-up")]


def _identity_again(world: World) -> list[RawRequest]:
    visitor, path = _waiting(world, chosen=True, age=301)
    return [world.get(f"{path}/identity", visitor)]


def _confirm(world: World) -> list[RawRequest]:
    visitor, path = _waiting(world, *WHOLE, chosen=True)
    fields = visitor.form(f"{path}/confirm_link")
    return [
        world.get(f"{path}/confirm_link", visitor),
        world.post(f"{path}/confirm_link", visitor, None, **fields),
    ]


def _signed_in(world: World) -> dict[str, Any]:
    """`extra` of a transaction that an identity signed in, by a link that lives."""
    identity, account = _identity(world), world.account(HOLDER)
    link = link_of(identity, account.id, LinkProof.CREDENTIALS, world.clock.now(), world.stores.randomness)
    world.stores.database.identities.commit(link, account, NO_EFFECTS)
    return dict(_seal(world).upstream(identity, link))


def _situation(world: World) -> list[RawRequest]:
    visitor, path = world.journey()
    upstream, now = _signed_in(world), world.clock.now()
    _write(world, path, lambda _: upstream, account_id=world.account(HOLDER).id, evidence=(Evidence(Means.PSC, now),))
    return [
        world.get(f"{path}/situation", visitor),
        world.step(path, "situation", visitor, "/situation", situation="1"),
    ]


def _ask(world: World) -> list[RawRequest]:
    visitor, path = world.journey()
    again, again_path = world.journey()
    return [world.get(f"{path}/psc", visitor), world.get(f"{again_path}/psc", again, afresh="")]


def _refused(world: World) -> list[RawRequest]:
    visitor, path = world.journey()
    return [
        world.get(f"{path}/psc/refused", visitor, why="psc_refused", incident="ABCD-2345"),
        world.get(f"{path}/psc/refused", visitor, why="psc_unavailable", incident="ABCD-2345"),
    ]


def _answered(world: World) -> list[RawRequest]:
    assert world.psc is not None
    visitor, path = world.journey()
    address = visitor.ask("GET", f"{path}/psc").location
    browser = world.psc.visitor()
    answer = dict(parse_qsl(urlsplit(browser.sign_in(address, "hugo")).query))
    declined, declined_path = world.journey()
    asked = dict(parse_qsl(urlsplit(declined.ask("GET", f"{declined_path}/psc").location).query))
    no = {"error": "access_denied", "state": asked["state"], "iss": world.psc.issuer}
    return [world.get("/signin/psc/callback", visitor, **answer), world.get("/signin/psc/callback", declined, **no)]


def holder_signed_in(world: World) -> Visitor:
    """By Pro Santé Connect, whose logout is owed."""
    upstream = _signed_in(world)["upstream"]
    proof = Evidence(Means.PSC, world.clock.now())
    return world.visitor(world.session(HOLDER, upstream=upstream, evidence=(proof,)))


def _logged_out(world: World) -> list[RawRequest]:
    """After a logout asked by an application, whose address is the way on."""
    visitor = holder_signed_in(world)
    tokens = visitor.redeem(visitor.silently() or "").json()
    query = f"id_token_hint={tokens['id_token']}&post_logout_redirect_uri={AFTER_LOGOUT}"
    page = visitor.ask("GET", f"/logout?{query}").text
    address = unescape(page.partition("0; url=")[2].partition('"')[0])
    state = dict(parse_qsl(urlsplit(address).query))["state"]
    return [
        world.get("/signin/psc/logged-out", visitor, state=state),
        world.get("/signin/psc/logged-out", visitor),
    ]


def _activate(world: World) -> list[RawRequest]:
    visitor = world.visitor()
    visitor.cookies["__Host-link"] = f"activation.{world.link(LinkPurpose.ACTIVATION, 'c.morel')}"
    return [world.get("/activation/psc", visitor)]


def _protest(world: World) -> str:
    """The token of a mail that says "it was not me" of a link just made."""
    account, now, database = world.account(HOLDER), world.clock.now(), world.stores.database
    link = link_of(_identity(world), account.id, LinkProof.CREDENTIALS, now, world.stores.randomness)
    key = database.purpose_keys.get(Purpose.LINK)
    not_me = new_link(
        key,
        LinkPurpose.NOT_ME,
        account_id=account.id,
        contact_version=account.contact_version + 1,
        now=now,
        ttl_seconds=3600,
        randomness=world.stores.randomness,
        link_id=link.id,
    )
    database.identities.commit(link, account, NO_EFFECTS, not_me=not_me)
    return link_token(key, LinkPurpose.NOT_ME, link.id)


def _not_me(world: World) -> list[RawRequest]:
    visitor = world.visitor()
    visitor.cookies["__Host-link"] = f"not_me.{_protest(world)}"
    return [
        world.get("/not_me", visitor),
        world.post("/not_me", visitor, "not_me"),
        world.get("/not_me", world.visitor(), done=""),
    ]


GOOD: dict[str, Callable[[World], list[RawRequest]]] = {
    **good_requests.GOOD,
    **good_account_requests.GOOD,
    **good_team_requests.GOOD,
    "/activation/psc": _activate,
    "/not_me": _not_me,
    "/not_me/<unverified_token>": lambda world: [world.get(f"/not_me/{_protest(world)}", world.visitor())],
    "/signin/<handle>/confirm_link": _confirm,
    "/signin/<handle>/identity": _identity_again,
    "/signin/<handle>/link": _link,
    "/signin/<handle>/link/give-up": _give_up,
    "/signin/<handle>/means": _means,
    "/signin/<handle>/psc": _ask,
    "/signin/<handle>/psc/refused": _refused,
    "/signin/<handle>/situation": _situation,
    "/signin/psc/callback": _answered,
    "/signin/psc/logged-out": _logged_out,
}
