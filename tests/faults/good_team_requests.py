"""The good requests of a référent's team, and of the sheets and recoveries that they lead to; `GOOD` holds them all.

Nadia is référente where Claire, who is invited, and Élodie hold something. Nobody is activated or recovered here: the forms
that would end it carry a weak password.
"""

from collections.abc import Callable
from datetime import timedelta

from gateway.accounts.account import Account
from gateway.accounts.contact_change import Contact, ContactChange
from gateway.accounts.one_time_link import LinkPurpose, link_token, new_link
from gateway.accounts.recovery import Reason, Recovery
from gateway.clock import civil_date
from gateway.habilitations.habilitation import Habilitation, HabilitationState, Origin
from gateway.journal.effects import NO_EFFECTS
from gateway.keys.purposes import Purpose
from gateway.randomness import handle, identifier, partition_of
from gateway.signin.colleagues.sheet import new_sheet, sheet_token
from gateway.signin.evidence import Evidence, Means
from tests.faults.good_requests import World
from tests.faults.raw_http import RawRequest
from tests.faults.visitor import Visitor

Requests = Callable[[World], list[RawRequest]]

REFERENT, OTHER, INVITED, COLLEAGUE = "n.benali", "s.leroy", "c.morel", "e.marchand"
WEAK = {"new_password": "trop court", "again": "trop court"}
_STATISTICS = "IAM - MSPH - Statistiques ESMS (IAM)"


def _referent(world: World) -> Visitor:
    proofs = (Evidence(Means.PSC, world.clock.now()),)
    return world.visitor(world.session(REFERENT, evidence=proofs))


def _colleague(world: World) -> Account:
    """Élodie, who holds something where Nadia is référente."""
    account, database = world.account(COLLEAGUE), world.stores.database
    held = {one.role_label for one, _ in database.habilitations.of(account.id)}
    if _STATISTICS not in held:
        site = database.structures.find_by_finess("990000010")
        assert site is not None
        today = civil_date(world.clock.now())
        one = Habilitation(
            identifier(world.stores.randomness), account.id, site.id, _STATISTICS, today, today + timedelta(days=300),
            HabilitationState.ACTIVE, Origin.MANUAL,
        )  # fmt: skip
        database.habilitations.grant(one, NO_EFFECTS)
    return account


def _recovery(world: World, *, approved: bool = False) -> Recovery:
    """The one under way, or a new one."""
    account, database, now = _colleague(world), world.stores.database, world.clock.now()
    found = database.recoveries.of(account.id, now)
    if found is None:
        site = database.structures.find_by_finess("990000010")
        assert site is not None
        found = Recovery(
            identifier(world.stores.randomness), account.id, site.id, Reason.STOLEN, world.account(REFERENT).id, now,
            now + 9_999,
        )  # fmt: skip
        stop = new_link(
            database.purpose_keys.get(Purpose.LINK),
            LinkPurpose.STOP_RECOVERY,
            account_id=account.id,
            contact_version=account.contact_version,
            now=now,
            ttl_seconds=9_999,
            randomness=world.stores.randomness,
            link_id=found.id,
        )
        assert database.recoveries.open(found, stop, NO_EFFECTS)
    if approved:
        database.recoveries.decide(
            found.id,
            approved=True,
            by=world.account(OTHER).id,
            by_region=None,
            at=now,
            expires_at=now + 9_999,
            effects=NO_EFFECTS,
        )
    return found


def _act(username: str, action: str, form: str, **fields: str) -> Requests:
    def requests(world: World) -> list[RawRequest]:
        account_id = (_colleague(world) if username == COLLEAGUE else world.account(username)).id
        path = f"/equipe/{account_id}/{action}"
        return [world.post(path, _referent(world), f"{form}:{account_id}", **fields)]

    return requests


def _one_colleague(world: World) -> list[RawRequest]:
    _recovery(world)
    return [world.get(f"/equipe/{world.account(name).id}", _referent(world)) for name in (INVITED, COLLEAGUE)]


def _of_recovery(action: str, form: str, *, approved: bool = False, **fields: str) -> Requests:
    def requests(world: World) -> list[RawRequest]:
        recovery = _recovery(world, approved=approved)
        path = f"/equipe/recuperations/{recovery.id}/{action}"
        return [world.post(path, _referent(world), f"{form}:{recovery.id}", **fields)]

    return requests


def _holder(world: World, *, proved: bool = False) -> tuple[Visitor, Account]:
    """Who has just presented a sheet of recovery."""
    _recovery(world, approved=True)
    database, now, account = world.stores.database, world.clock.now(), world.account(COLLEAGUE)
    key = database.purpose_keys.get(Purpose.LINK)
    link, code = new_sheet(
        key,
        LinkPurpose.RECOVERY,
        account,
        printed_by=world.account(REFERENT).id,
        now=now,
        expires_at=now + 900,
        randomness=world.stores.randomness,
    )
    database.links.issue(link, NO_EFFECTS)
    if proved:
        assert database.links.prove_contact(link.id, _change(world, account).id, now, NO_EFFECTS)
    visitor = world.visitor()
    visitor.cookies["__Host-link"] = f"recovery.{sheet_token(key, code)}"
    return visitor, account


def _change(world: World, account: Account) -> ContactChange:
    now, name = world.clock.now(), handle(world.stores.randomness, partition_of(account.id))
    change = ContactChange(name, account.id, Contact.EMAIL, account.email, account.contact_version, now, now + 900)
    assert world.stores.database.contact_changes.ask(change, NO_EFFECTS) is not None
    return change


def _address(world: World) -> list[RawRequest]:
    visitor, _ = _holder(world)
    path = "/feuille/adresse"
    return [world.get(path, visitor), world.post(path, visitor, "sheet-address", address="")]


def _code(world: World) -> list[RawRequest]:
    visitor, account = _holder(world)
    change = _change(world, account)
    path = f"/feuille/code/{change.id}"
    return [world.get(path, visitor), world.post(path, visitor, f"sheet-code:{change.id}", code="00000000")]


def _end(world: World) -> list[RawRequest]:
    visitor, _ = _holder(world, proved=True)
    return [world.get("/recovery", visitor), world.post("/recovery", visitor, "recovery", **WEAK)]


def _stop_token(world: World) -> str:
    key = world.stores.database.purpose_keys.get(Purpose.LINK)
    return link_token(key, LinkPurpose.STOP_RECOVERY, _recovery(world).id)


def _stop(world: World) -> list[RawRequest]:
    visitor = world.visitor()
    visitor.cookies["__Host-link"] = f"stop_recovery.{_stop_token(world)}"
    return [
        world.get("/stop_recovery", visitor),
        world.post("/stop_recovery", visitor, "stop_recovery"),
        world.get("/stop_recovery", world.visitor(), done=""),
    ]


def _form(path: str, form: str, **fields: str) -> Requests:
    def requests(world: World) -> list[RawRequest]:
        visitor = world.visitor()
        return [world.get(path, visitor), world.post(path, visitor, form, **fields)]

    return requests


GOOD: dict[str, Requests] = {
    "/activation/demande": _form("/activation/demande", "ask-access", identifier=INVITED),
    "/equipe": lambda world: [world.get("/equipe", _referent(world))],
    "/equipe/<account_id>": _one_colleague,
    "/equipe/<account_id>/feuille": _act(INVITED, "feuille", "team-sheet"),
    "/equipe/<account_id>/lien": _act(INVITED, "lien", "team-link"),
    "/equipe/<account_id>/mot-de-passe": _act(COLLEAGUE, "mot-de-passe", "team-reset"),
    "/equipe/<account_id>/recuperation": _act(COLLEAGUE, "recuperation", "team-recovery", reason="stolen", seen="yes"),
    "/equipe/recuperations/<recovery_id>/decision": _of_recovery("decision", "team-decision", decision="approve"),
    "/equipe/recuperations/<recovery_id>/feuille": _of_recovery("feuille", "team-recovery-sheet", approved=True),
    "/feuille": _form("/feuille", "sheet", identifier=COLLEAGUE, code="2345-2345-2345-2345-2345-2345"),
    "/feuille/adresse": _address,
    "/feuille/code/<change_id>": _code,
    "/recovery": _end,
    "/stop_recovery": _stop,
    "/stop_recovery/<unverified_token>": lambda world: [
        world.get(f"/stop_recovery/{_stop_token(world)}", world.visitor())
    ],
}
