"""Linked identities in dictionaries, for the tests of rules."""

from collections.abc import Sequence
from dataclasses import replace

from gateway.accounts.account import Account, AccountStatus, RppsProof
from gateway.accounts.identity_link import IdentityLink, LinkKind, LinkState
from gateway.accounts.one_time_link import LinkPurpose, OneTimeLink
from gateway.accounts.ports import LinkRefusedError
from gateway.journal.effects import Effects
from tests.fakes import FakeAccounts, FakeDevices, FakeLinks, Written


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
        if _credentials(stored) != _credentials(account):
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

    def used_since(self, kind: LinkKind, since: float) -> Sequence[str]:
        used = (one for one in self.records.values() if one.kind is kind and one.last_used_at >= since)
        return list(dict.fromkeys(one.account_id for one in used))


def _credentials(account: Account) -> tuple[object, ...]:
    return (account.contact_version, account.code_demanded_since, account.password_hash, account.rpps)
