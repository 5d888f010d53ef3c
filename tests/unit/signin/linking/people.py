"""A sign-in where identities can be linked, and the people who have one. Nobody exists; the RPPS begin with 999."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gateway.accounts.account import Account, AccountStatus, RppsProof
from gateway.accounts.identity_link import IdentityLink, LinkKind, LinkState
from gateway.accounts.one_time_link import LinkPurpose, OneTimeLink, link_token, new_link
from gateway.accounts.ports import LinkRefusedError
from gateway.journal.effects import NO_EFFECTS, Effects
from gateway.signin.demands import Demands
from gateway.signin.linking.identity import ProvedIdentity
from gateway.signin.linking.link import Linking
from gateway.signin.linking.not_me import LinkDisputes
from gateway.signin.linking.unlink import LinkedIdentities
from gateway.signin.transaction import Demand, SigninTransaction
from tests.fakes import FakeAccounts, FakeDevices, FakeLinks, Written
from tests.unit.signin.world import CONTEXT, PASSWORD, World

RPPS, OTHER_RPPS = "99900000011", "99900000029"
ISSUER = "https://auth.psc.exemple.invalid/realms/esante"


class FakeIdentities:
    """Judges what the store judges, without the races, which have tests of their own."""

    def __init__(self, written: Written, accounts: FakeAccounts, links: FakeLinks, devices: FakeDevices) -> None:
        self.records: dict[str, IdentityLink] = {}
        self._written, self._accounts, self._links, self._devices = written, accounts, links, devices

    def _active(self) -> list[IdentityLink]:
        return [link for link in self.records.values() if link.state is LinkState.ACTIVE]

    def find(self, kind: LinkKind, issuer: str, subject: str) -> IdentityLink | None:
        wanted = (kind, issuer, subject)
        return next((link for link in self._active() if (link.kind, link.issuer, link.subject) == wanted), None)

    def find_by_national_id(self, national_id: str) -> IdentityLink | None:
        return next((link for link in self._active() if link.national_id == national_id), None)

    def get(self, link_id: str) -> IdentityLink | None:
        return self.records.get(link_id)

    def of(self, account_id: str) -> Sequence[IdentityLink]:
        return [link for link in self.records.values() if link.account_id == account_id]

    def commit(
        self,
        link: IdentityLink,
        account: Account,
        effects: Effects,
        *,
        activation: OneTimeLink | None = None,
        not_me: OneTimeLink | None = None,
    ) -> Account:
        stored = self._accounts.records[account.id]
        if stored != account:
            raise LinkRefusedError("account_changed")
        if self.find(link.kind, link.issuer, link.subject) is not None:
            raise LinkRefusedError("taken")
        linked = replace(
            stored,
            rpps=stored.rpps or link.rpps,
            rpps_proof=RppsProof(link.kind.value) if link.rpps else stored.rpps_proof,
            contact_version=stored.contact_version + 1,
            code_demanded_since=link.created_at,
            status=AccountStatus.ACTIVE,
        )
        self._accounts.put(linked)
        self.records[link.id] = link
        for other in list(self._links.records.values()):
            if other.account_id == account.id and other.purpose is not LinkPurpose.NOT_ME:
                self._links.records[other.id] = replace(other, revoked_at=link.created_at)
        if activation is not None:
            self._links.records[activation.id] = replace(activation, used_at=link.created_at)
        if not_me is not None:
            self._links.records[not_me.id] = not_me
        for device in self._devices.of(account.id):
            self._devices.records[device.id] = replace(device, revoked_at=link.created_at)
        self._written.note(effects)
        return linked

    def add(self, link: IdentityLink, effects: Effects) -> None:
        self.records[link.id] = link
        self._written.note(effects)

    def end(self, link_id: str, at: float, by: str, effects: Effects) -> bool:
        if self.records[link_id].state is LinkState.ENDED:
            return False
        self.records[link_id] = replace(self.records[link_id], state=LinkState.ENDED, ended_at=at, ended_by=by)
        self._written.note(effects)
        return True

    def freeze(self, link_id: str, until: float, effects: Effects, *, said_by: OneTimeLink, at: float) -> bool:
        self._links.records[said_by.id] = replace(said_by, used_at=at)
        disputed = self.records[link_id]
        for link in self.of(disputed.account_id):
            if link.id == link_id or (link.national_id is not None and link.national_id == disputed.national_id):
                self.records[link.id] = replace(link, frozen_until=until)
        self._written.note(effects)
        return True

    def note_use(self, link_id: str, at: float) -> None:
        self.records[link_id] = replace(self.records[link_id], last_used_at=at)


class LinkingWorld(World):
    """Claire has an account with a password and her RPPS, declared; Pro Santé Connect knows her as CLAIRE FONTAINE."""

    def __init__(self) -> None:
        super().__init__()
        self.identities = FakeIdentities(self.written, self.accounts, self.links, self.devices)
        self.linking = Linking(
            transactions=self.transactions,
            accounts=self.accounts,
            identities=self.identities,
            links=self.links,
            sessions=self.sessions,
            spool=self.written,
            demands=Demands(self.scale, self.policy),
            seal=self.seal,
            link_key=self.link_key,
            policy=self.policy,
            clock=self.clock,
            randomness=self.randomness,
        )
        self.disputes = LinkDisputes(
            identities=self.identities,
            links=self.links,
            sessions=self.sessions,
            policy=self.policy,
            clock=self.clock,
        )
        self.linked_identities = LinkedIdentities(identities=self.identities, sessions=self.sessions, clock=self.clock)

    def identity(self, **changes: Any) -> ProvedIdentity:
        now = self.clock.now()
        rpps = changes.get("rpps", RPPS)
        said: dict[str, Any] = {
            "kind": LinkKind.PSC,
            "issuer": ISSUER,
            "subject": f"f:0b5e:8{rpps}",
            "national_id": None if rpps is None else f"8{rpps}",
            "rpps": rpps,
            "family_name": "FONTAINE",
            "given_name": "CLAIRE",
            "profession": "60^1.2.250.1.71.1.2.7",
            "proved_at": now,
            "expires_at": now + 4 * 3600,
            "upstream_acr": "eidas1",
            "upstream_amr": ("pwd",),
            "id_token": "upstream.id.token",
        }
        return ProvedIdentity(**(said | changes))

    def arrived(self, demand: Demand | None = None, **changes: Any) -> SigninTransaction:
        """Somebody comes back from the means."""
        return self.linking.begin(self.open(demand), self.identity(**changes), CONTEXT)

    def with_credentials(self, *, who: str = "claire", code: bool = True, **changes: Any) -> SigninTransaction:
        """An identity that nobody here has, "I have an account", the password, and the code."""
        txn = self.linking.choose_existing(self.arrived(**changes))
        txn = self.password.submit(txn, who, PASSWORD, CONTEXT)
        return self.coded(txn) if code else txn

    def coded(self, txn: SigninTransaction) -> SigninTransaction:
        return self.code.submit(self.code.start(txn, CONTEXT), self.sent_code(), CONTEXT)[0]

    def linked(self, **changes: Any) -> SigninTransaction:
        """Claire has linked her identity; a moment passes."""
        txn = self.linking.confirm(self.with_credentials(**changes), CONTEXT)
        self.clock.advance(1)
        return txn

    def only_link(self) -> IdentityLink:
        (link,) = self.identities.records.values()
        return link

    def activation_token(self, account: Account) -> str:
        link = new_link(
            self.link_key,
            LinkPurpose.ACTIVATION,
            account_id=account.id,
            contact_version=account.contact_version,
            now=self.clock.now(),
            ttl_seconds=3600,
            randomness=self.randomness,
        )
        self.links.issue(link, NO_EFFECTS)
        return link_token(self.link_key, LinkPurpose.ACTIVATION, link.id)

    def not_me_token(self) -> str:
        return link_token(self.link_key, LinkPurpose.NOT_ME, self.only_link().id)
