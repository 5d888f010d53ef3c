"""The good requests of "mon compte", of its second factors and of the undoing of a change of contact; `GOOD` holds them all.

Who changes something here is a person whom the other good requests leave alone: one with an authenticator application, one
whose password must be changed, one whose address changes.
"""

from collections.abc import Callable
from dataclasses import replace

from gateway.accounts.authenticator import TotpAuthenticator
from gateway.accounts.contact_change import Contact, ContactChange
from gateway.accounts.one_time_link import LinkPurpose, link_token, new_link
from gateway.journal.effects import NO_EFFECTS
from gateway.keys.purposes import Purpose
from gateway.randomness import identifier, opaque
from gateway.signin.evidence import Evidence, Means
from tests.faults.good_requests import World
from tests.faults.raw_http import RawRequest
from tests.faults.visitor import Visitor

Requests = Callable[[World], list[RawRequest]]

MEMBER, ENROLLED, RENEWING, MOVING = "s.leroy", "n.benali", "i.fabre", "p.girard"
BY_APPLICATION = (Means.PASSWORD, Means.TOTP)


def _visitor(world: World, username: str = MEMBER) -> Visitor:
    """With a session whose proofs are of this moment: no page asks for another one."""
    if username == ENROLLED:
        _application(world)
        now = world.clock.now()
        return world.visitor(world.session(username, evidence=tuple(Evidence(means, now) for means in BY_APPLICATION)))
    return world.visitor(world.session(username))


def _application(world: World, *, confirmed: bool = True) -> str:
    now, store = world.clock.now(), world.stores.database.totp
    name = identifier(world.stores.randomness)
    secret = world.stores.randomness(20)
    store.enrol(TotpAuthenticator(name, world.account(ENROLLED).id, "test", secret, now), NO_EFFECTS)
    if confirmed:
        assert store.confirm(name, time_step=1, at=now, at_most=100_000, effects=NO_EFFECTS)
    return name


def _read(path: str, username: str = MEMBER) -> Requests:
    return lambda world: [world.get(path, _visitor(world, username))]


def _write(path: str, form: str, username: str = MEMBER, **fields: str) -> Requests:
    return lambda world: [world.post(path, _visitor(world, username), form, **fields)]


def _both(path: str, form: str, username: str = MEMBER, **fields: str) -> Requests:
    return lambda world: [*_read(path, username)(world), *_write(path, form, username, **fields)(world)]


def _device(action: str | None, **fields: str) -> Requests:
    def requests(world: World) -> list[RawRequest]:
        device = world.trusted(MEMBER).id
        visitor, path = _visitor(world), f"/compte/appareils/{device}"
        if action is None:
            return [world.get(path, visitor)]
        form = {"nom": "device-name", "retrait": "device-remove"}[action]
        return [world.post(f"{path}/{action}", visitor, f"{form}:{device}", **fields)]

    return requests


def _one_application(action: str | None, **fields: str) -> Requests:
    def requests(world: World) -> list[RawRequest]:
        visitor = _visitor(world, ENROLLED)
        one = _application(world)
        path = f"/compte/authentificateurs/{one}"
        if action is None:
            return [world.get(path, visitor)]
        form = {"nom": "totp-name", "retrait": "totp-remove"}[action]
        return [world.post(f"{path}/{action}", visitor, f"{form}:{one}", **fields)]

    return requests


def _waiting_application(world: World) -> list[RawRequest]:
    visitor = _visitor(world, ENROLLED)
    one = _application(world, confirmed=False)
    path = f"/compte/authentificateurs/application/{one}"
    return [world.get(path, visitor), world.post(path, visitor, f"totp:{one}", code="000000")]


def _change(world: World, username: str) -> ContactChange:
    account, now = world.account(username), world.clock.now()
    value = f"{opaque(world.stores.randomness, 9)}@demo.passerelle.test"
    name = identifier(world.stores.randomness)
    change = ContactChange(name, account.id, Contact.EMAIL, value, account.contact_version, now, now + 600)
    asked = world.stores.database.contact_changes.ask(change, NO_EFFECTS)
    assert asked is not None
    return asked


def _proof_of_contact(end: str = "") -> Requests:
    def requests(world: World) -> list[RawRequest]:
        change, visitor = _change(world, MEMBER), _visitor(world)
        path = f"/compte/contacts/verification/{change.id}"
        if end:
            return [world.post(f"{path}{end}", visitor, f"contact-resend:{change.id}")]
        return [world.get(path, visitor), world.post(path, visitor, f"contact-code:{change.id}", code="00000000")]

    return requests


def _undo_token(world: World) -> str:
    """Of a change that was made."""
    database, now = world.stores.database, world.clock.now()
    change, account = _change(world, MOVING), world.account(MOVING)
    key = database.purpose_keys.get(Purpose.LINK)
    undo = new_link(
        key,
        LinkPurpose.UNDO_CONTACT,
        account_id=account.id,
        contact_version=account.contact_version + 1,
        now=now,
        ttl_seconds=3600,
        randomness=world.stores.randomness,
        link_id=change.id,
    )
    assert database.contact_changes.make(change.id, now, NO_EFFECTS, undo=undo) is not None
    return link_token(key, LinkPurpose.UNDO_CONTACT, change.id)


def _undo(world: World) -> list[RawRequest]:
    visitor = world.visitor()
    visitor.cookies["__Host-link"] = f"undo_contact.{_undo_token(world)}"
    return [
        world.get("/undo_contact", visitor),
        world.post("/undo_contact", visitor, "undo_contact"),
        world.get("/undo_contact", world.visitor(), done=""),
    ]


def _identity(end: str = "") -> Requests:
    """Of a link that is gone meanwhile: the page says so."""

    def requests(world: World) -> list[RawRequest]:
        path, visitor = "/compte/identites/gone", _visitor(world)
        if end:
            return [world.post(f"{path}{end}", visitor, "identity-remove:gone")]
        return [world.get(path, visitor)]

    return requests


def _step(step: str, **fields: str) -> Requests:
    def requests(world: World) -> list[RawRequest]:
        _application(world)
        visitor, path = world.journey(Means.PASSWORD, username=ENROLLED)
        if step == "recovery_code":
            now, transactions = world.clock.now(), world.stores.ephemeral.transactions
            txn = transactions.find(path.rpartition("/")[2], now)
            assert txn is not None
            assert transactions.save(replace(txn, factor=Means.RECOVERY_CODE), now, NO_EFFECTS)
        return [world.get(f"{path}/{step}", visitor), world.step(path, step, visitor, f"/{step}", **fields)]

    return requests


def _new_password(world: World) -> list[RawRequest]:
    account = world.account(RENEWING)
    world.stores.database.accounts.update(replace(account, must_change_password=True), NO_EFFECTS)
    visitor, path = world.journey(Means.PASSWORD, Means.EMAIL_CODE, username=RENEWING)
    weak = {"new_password": "trop court", "again": "trop court"}
    return [
        world.get(f"{path}/new_password", visitor),
        world.step(path, "new_password", visitor, "/new_password", **weak),
    ]


HERE = "/compte/authentificateurs"
GOOD: dict[str, Requests] = {
    "/compte": _read("/compte"),
    "/compte/appareils/<device_id>": _device(None),
    "/compte/appareils/<device_id>/nom": _device("nom", label="Poste du cabinet"),
    "/compte/appareils/<device_id>/retrait": _device("retrait"),
    "/compte/applications": _read("/compte/applications"),
    "/compte/applications/retrait": _write(
        "/compte/applications/retrait", "application-withdraw", application="orientation"
    ),
    HERE: _read(HERE, ENROLLED),
    f"{HERE}/<authenticator_id>": _one_application(None),
    f"{HERE}/<authenticator_id>/nom": _one_application("nom", label="Téléphone"),
    f"{HERE}/<authenticator_id>/retrait": _one_application("retrait"),
    f"{HERE}/application": _both(f"{HERE}/application", "totp:new", ENROLLED, label="Téléphone"),
    f"{HERE}/application/<waiting_id>": _waiting_application,
    f"{HERE}/codes": _both(f"{HERE}/codes", "recovery:new", ENROLLED),
    "/compte/contacts": _read("/compte/contacts"),
    "/compte/contacts/<slug>": _both("/compte/contacts/email", "contact:email", value="ailleurs@demo.passerelle.test"),
    "/compte/contacts/<slug>/retrait": _write("/compte/contacts/secours/retrait", "contact-remove:secours"),
    "/compte/contacts/canal": _write("/compte/contacts/canal", "contact-channel", channel="email"),
    "/compte/contacts/verification/<change_id>": _proof_of_contact(),
    "/compte/contacts/verification/<change_id>/renvoi": _proof_of_contact("/renvoi"),
    "/compte/donnees": _both("/compte/donnees", "own-data"),
    "/compte/habilitations": _read("/compte/habilitations"),
    "/compte/identites": _read("/compte/identites"),
    "/compte/identites/<link_id>": _identity(),
    "/compte/identites/<link_id>/retrait": _identity("/retrait"),
    "/compte/journal": _read("/compte/journal"),
    "/compte/mot-de-passe": _both("/compte/mot-de-passe", "password-change", current="x", new_password="y", again="z"),
    "/compte/sessions": _read("/compte/sessions"),
    "/compte/signalement": lambda world: [
        *_both("/compte/signalement", "reported-message", kind="code")(world),
        world.get("/compte/signalement", _visitor(world), said="code"),
        world.post("/compte/signalement", _visitor(world), "reported-message", kind=""),
    ],
    "/compte/sessions/autres": _write("/compte/sessions/autres", "sessions-others"),
    "/compte/sessions/fin": _write("/compte/sessions/fin", "session-end", session="gone"),
    "/signin/<handle>/factor": _step("factor", factor="email_code"),
    "/signin/<handle>/new_password": _new_password,
    "/signin/<handle>/recovery_code": _step("recovery_code", code="AAAAA-AAAAA"),
    "/signin/<handle>/totp": _step("totp", code="000000"),
    "/undo_contact": _undo,
    "/undo_contact/<unverified_token>": lambda world: [
        world.get(f"/undo_contact/{_undo_token(world)}", world.visitor())
    ],
}
