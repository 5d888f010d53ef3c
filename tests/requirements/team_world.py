"""A structure with two référents and a colleague, on the assembled gateway; sheets are read as their holder would."""

import re
from dataclasses import dataclass
from html import unescape
from typing import Any

from gateway.accounts.account import Account, AccountStatus
from gateway.accounts.authenticator import Passkey
from gateway.accounts.one_time_link import LinkPurpose, OneTimeLink, new_link
from gateway.habilitations.structure import Structure
from gateway.jobs.tell_referents import TellReferents
from gateway.journal.effects import NO_EFFECTS, Outgoing
from gateway.keys.purposes import Purpose
from gateway.randomness import handle, identifier, partition_of, system_randomness
from gateway.signin.evidence import Evidence, Means
from gateway.signin.session import Session
from gateway.wiring.colleagues import strong_means, teams_of
from gateway.wiring.policies import signin_policy
from tests.requirements.assembled import STATISTICS, Answer, Browser, Gateway

MEANS = ["passkey", "password"]
FRESH = "un martin-pêcheur bleu"


@dataclass
class Sheet:
    address: str
    identifier: str
    code: str


class Team:
    """`nadia` and `thomas` are référents of the structure, with a passkey; `elodie` is their colleague."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.structure = gateway.structure(1)
        self.nadia = self.referent("nadia", self.structure)
        self.thomas = self.referent("thomas", self.structure)
        self.elodie = self.colleague("elodie")

    def referent(self, name: str, structure: Structure, *, passkey: bool = True) -> Account:
        account = self.gateway.person(name)
        self.gateway.habilitation(account, structure)
        if passkey:
            self.passkey(account)
        return account

    def colleague(self, name: str, structure: Structure | None = None, **changes: Any) -> Account:
        account = self.gateway.person(name, **changes)
        self.gateway.habilitation(account, structure or self.structure, STATISTICS)
        return account

    def invited(self, name: str, **changes: Any) -> Account:
        """With a mailed link on its way."""
        nothing = {"status": AccountStatus.INVITED, "password_hash": None, "email_verified_at": None}
        account = self.colleague(name, **{**nothing, **changes})
        self.gateway.stores.database.links.issue(self.link(account), NO_EFFECTS)
        return account

    def link(self, account: Account) -> OneTimeLink:
        return new_link(
            self.gateway.stores.database.purpose_keys.get(Purpose.LINK),
            LinkPurpose.ACTIVATION,
            account_id=account.id,
            contact_version=account.contact_version,
            now=self.gateway.clock.now(),
            ttl_seconds=86_400,
            randomness=system_randomness,
        )

    def passkey(self, account: Account) -> Passkey:
        name = identifier(system_randomness)
        made = Passkey(
            name, account.id, name.encode(), b"public", 0, "0" * 32, True, True, (), "clé", self.gateway.clock.now()
        )
        assert self.gateway.stores.database.passkeys.enrol(made, NO_EFFECTS, at_most=10)
        return made

    def browser(self, account: Account, *means: Means, peer: str = "192.0.2.7") -> Browser:
        """With a session whose proofs are of this moment: by passkey, or by `means`."""
        gateway, now = self.gateway, self.gateway.clock.now()
        passkeys = gateway.stores.database.passkeys.of(account.id)
        proofs = tuple(Evidence(one, now) for one in means) or (Evidence(Means.PASSKEY, now, passkey=passkeys[0].id),)
        session = Session(
            handle=handle(system_randomness, partition_of(account.id)),
            sid=identifier(system_randomness),
            account_id=account.id,
            started_at=now,
            auth_time=now,
            last_used_at=now,
            absolute_end=now + 4 * 3600,
            idle_seconds=1800,
            evidence=proofs,
        )
        gateway.stores.ephemeral.sessions.start(session, now, NO_EFFECTS)
        browser = Browser(gateway, peer=peer)
        browser.cookies["__Host-session"] = session.handle
        return browser

    # ── what they do ──

    def act(self, browser: Browser, account: Account, action: str, **fields: str) -> Answer:
        page = browser.get(f"/equipe/{account.id}")
        assert page.status == 200, (page.status, page.text[:1500])
        return browser.submit(page, f"/equipe/{account.id}/{action}", **fields)

    def printed(self, browser: Browser, account: Account) -> Sheet:
        return sheet_of(self.act(browser, account, "feuille"))

    def opened(self, browser: Browser | None = None, account: Account | None = None) -> str:
        """A recovery, and its identifier."""
        account = account or self.elodie
        answer = self.act(
            browser or self.browser(self.nadia), account, "recuperation", reason="lost_device", seen="yes"
        )
        assert answer.status == 303, (answer.status, words(answer))
        found = self.gateway.stores.database.recoveries.of(account.id, self.gateway.clock.now())
        assert found is not None
        return found.id

    def decided(self, recovery_id: str, word: str = "approve", browser: Browser | None = None) -> Answer:
        browser = browser or self.browser(self.thomas)
        page = browser.get(f"/equipe/{self.elodie.id}")
        return browser.submit(page, f"/equipe/recuperations/{recovery_id}/decision", decision=word)

    def approved(self) -> str:
        recovery_id = self.opened()
        assert self.decided(recovery_id).location.endswith("said=approved")
        return recovery_id

    def recovery_sheet(self) -> Sheet:
        """Of a recovery opened by Nadia and approved by Thomas."""
        recovery_id = self.approved()
        browser = self.browser(self.nadia)
        page = browser.get(f"/equipe/{self.elodie.id}")
        return sheet_of(browser.submit(page, f"/equipe/recuperations/{recovery_id}/feuille"))

    # ── what its holder does ──

    def presented(self, sheet: Sheet, browser: Browser | None = None) -> tuple[Browser, Answer]:
        browser = browser or Browser(self.gateway, peer="198.51.100.9")
        page = browser.get("/feuille")
        return browser, browser.submit(page, "/feuille", identifier=sheet.identifier, code=sheet.code)

    def proved(self, browser: Browser, address: str = "") -> Answer:
        """The address: the account's, or another one."""
        fields = {"address": address} if address else {}
        answer = browser.onward(browser.submit(browser.get("/feuille/adresse"), "/feuille/adresse", **fields))
        action = re.search(r'action="(/feuille/code/[^"]+)"', answer.text)
        assert action is not None, words(answer)
        return browser.submit(answer, action[1], code=self.gateway.sent_code())

    def ready(self, address: str = "") -> Browser:
        """A browser on /recovery."""
        browser, answer = self.presented(self.recovery_sheet())
        assert answer.location == "/feuille/adresse"
        assert self.proved(browser, address).location == "/recovery"
        return browser


def new_password(browser: Browser, password: str = FRESH, path: str = "/recovery") -> Answer:
    return browser.submit(browser.get(path), path, new_password=password, again=password)


def sheet_of(page: Answer) -> Sheet:
    assert page.status == 200, (page.status, words(page))
    groups = re.findall(r"<span>([0-9A-Z]{4})</span>", page.text)
    assert len(groups) == 6, words(page)
    address = re.search(r'paper-address">([^<]+)<', page.text)
    name = re.search(r"<strong>([^<]+)</strong></li>", page.text)
    assert address is not None and name is not None
    return Sheet(address[1], name[1], "-".join(groups))


def words(page: Answer) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def outbox(gateway: Gateway) -> list[Outgoing]:
    """What the durable store sends, in its order."""
    taken = gateway.stores.database.outbox.take(gateway.clock.now(), limit=200, lease_seconds=0)
    return [Outgoing(kind, payload) for _, kind, payload, _ in taken]


def told(gateway: Gateway, account: Account) -> list[str]:
    """The notices and links ordered for somebody, by name."""
    mine = [item.payload for item in outbox(gateway) if item.payload.get("account") == account.id]
    return sorted(str(payload.get("what", payload.get("purpose"))) for payload in mine)


def journal(gateway: Gateway, name: str) -> list[Any]:
    return [event for _, event in gateway.stores.database.journal.read(limit=10_000) if event.name == name]


def distributed(team: Team, order: dict[str, object]) -> list[tuple[str, object]]:
    """What the job that tells référents orders."""
    stores, settings = team.gateway.stores, team.gateway.settings
    job = TellReferents(
        accounts=stores.database.accounts,
        teams=teams_of(settings, team.gateway.reviewed, stores),
        strong=strong_means(stores, signin_policy(settings)),
        spool=stores.ephemeral.spool,
    )
    now = team.gateway.clock.now()
    job.tell(order, now, "message")  # type: ignore[arg-type]
    taken = stores.ephemeral.spool.take_outgoing(now, 50, 0.0)
    return [
        (item.kind, item.payload.get("account", item.payload["what"]))
        for _, item, _ in taken
        if item.kind in {"notice", "operator_alert"}
    ]
