"""What a transaction stands on now: the proofs that count, the structures held, and why it could not succeed whatever comes.

Read at each step from what is stored now, for the dispatcher (journey.py): an account blocked, a link frozen, a device or a
factor revoked meanwhile count no more, also in a journey that was under way.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.accounts.account import Account
from gateway.accounts.ports import Accounts, IdentityLinks, TrustedDevices
from gateway.clock import Clock
from gateway.randomness import digest
from gateway.signin.assurance import AssuranceScale
from gateway.signin.demands import Demands, usable
from gateway.signin.evidence import LINKED, Evidence, Means
from gateway.signin.linking.pending import UPSTREAM, link_of_upstream, pending, situation_of, situations_of
from gateway.signin.ports import ActiveStructures, StructureChoice
from gateway.signin.session import Session
from gateway.signin.shared_post.same_person import lent_by
from gateway.signin.transaction import Demand, SigninTransaction

ACCESS_DENIED = "access_denied"
UNMET = "unmet_authentication_requirements"


class Standing:
    def __init__(
        self,
        *,
        accounts: Accounts,
        identities: IdentityLinks,
        devices: TrustedDevices,
        structures: ActiveStructures,
        scale: AssuranceScale,
        demands: Demands,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._identities = identities
        self._devices = devices
        self._structures = structures
        self._scale = scale
        self._demands = demands
        self._clock = clock

    def judging_by(self, demands: Demands) -> "Standing":
        """The same, by these demands: those of one decision."""
        other = copy.copy(self)
        other._demands = demands
        return other

    def account(self, txn: SigninTransaction) -> Account | None:
        """Whose sign-in this is; None before anybody is known."""
        return self._accounts.get(txn.account_id) if txn.account_id is not None else None

    def lent(
        self, session: Session | None, demand: Demand
    ) -> tuple[str | None, tuple[Evidence, ...], Mapping[str, Any]]:
        """What a live session of the browser lends to a new transaction: its account, the proofs that still count, whence."""
        account = self._accounts.get(session.account_id) if session is not None else None
        if session is None or account is None or not usable(account):
            return None, (), {}
        evidence = self._demands.carried(session.evidence, account, demand)
        if not evidence or self._demands.must_renew(evidence, account, self._clock.now()):
            return None, (), {}
        lent = lent_by(digest(session.handle))
        return account.id, evidence, lent if session.upstream is None else {**lent, UPSTREAM: session.upstream}

    def refusal(self, txn: SigninTransaction, account: Account | None) -> str | None:
        """Why this journey cannot succeed, whatever the person does next; None while it can."""
        if txn.refusal is not None or txn.account_id is None:
            return txn.refusal
        if account is None or not usable(account):
            return ACCESS_DENIED
        counted = self.counted(txn, account)
        if not counted:
            return None
        if pending(txn) is not None:
            return None if self._demands.linkable(account) else ACCESS_DENIED
        met = self._demands.met(counted, account, txn.demand)
        if not met and not (
            self._demands.code_could_do(account, txn.demand) or self._demands.strong_could_do(txn.demand, account)
        ):
            return UNMET
        wanted = txn.demand.structure
        if wanted is not None and met:
            held = {choice.id for choice in self.held(txn, account, counted)}
            return None if wanted in held else ACCESS_DENIED
        return None

    def counted(self, txn: SigninTransaction, account: Account) -> tuple[Evidence, ...]:
        """The proofs that count now: that of an identity no longer does once its link was frozen or switched off, also in a
        journey that was under way (LNK-09)."""
        evidence = txn.evidence
        if any(item.means in LINKED for item in evidence) and not self._link_stands(txn, account):
            evidence = tuple(item for item in evidence if item.means not in LINKED)
        return self._demands.counted(evidence, account, txn.demand)

    def _link_stands(self, txn: SigninTransaction, account: Account) -> bool:
        by = link_of_upstream(txn.extra.get(UPSTREAM))
        link = self._identities.get(by) if by is not None else None
        now = self._clock.now()
        return link is not None and link.account_id == account.id and link.signs_in(now)

    def device_would_do(
        self, txn: SigninTransaction, account: Account, counted: Sequence[Evidence], device_id: str | None
    ) -> bool:
        if txn.device_skipped or not device_id or any(item.means is Means.TRUSTED_DEVICE for item in counted):
            return False
        now = self._clock.now()
        with_device = (*counted, Evidence(Means.TRUSTED_DEVICE, now))
        return self._demands.met(with_device, account, txn.demand) and self._demands.trusts(
            self._devices.find(device_id), account, txn.demand, now
        )

    def held(self, txn: SigninTransaction, account: Account, counted: Sequence[Evidence]) -> Sequence[StructureChoice]:
        if txn.demand.client_id is None:
            return ()
        acr = self._scale.level_of(counted).acr
        held = self._structures.structures_of(account.id, txn.demand.client_id, acr, self._clock.now())
        return tuple(StructureChoice(*structure) for structure in held)

    def structure_settled(self, txn: SigninTransaction, account: Account, counted: Sequence[Evidence]) -> bool:
        held = self.held(txn, account, counted)
        return len(held) <= 1 or self.settled(txn, held) is not None

    def settled(self, txn: SigninTransaction, held: Sequence[StructureChoice]) -> str | None:
        """The structure that the application demanded, that the person chose, where the situation they chose is, or the only
        one. A situation never adds a structure (PSC-R15)."""
        ids = [choice.id for choice in held]
        upstream = txn.extra.get(UPSTREAM)
        several = len(situations_of(upstream)) > 1
        situation = situation_of(upstream) if several else None
        for wanted in (txn.demand.structure, txn.chosen_structure, *(situation.structure_ids if situation else ())):
            if wanted in ids:
                return wanted
        return ids[0] if len(ids) == 1 else None
