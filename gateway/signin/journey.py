"""The sign-in journey: one state machine over the stored transaction.

`next_step` is the one place that decides what a person does next, from stored state only: what the transaction has proved,
what its demand asks, what the account and the device are now.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from gateway.accounts.ports import Accounts, TrustedDevices
from gateway.clock import Clock
from gateway.randomness import Randomness
from gateway.signin.assurance import AssuranceScale
from gateway.signin.gone import TransactionGone as TransactionGone
from gateway.signin.gone import TransactionMoved as TransactionMoved
from gateway.signin.policy import SigninPolicy
from gateway.signin.ports import ActiveStructures, Sessions, SigninTransactions, StructureChoice
from gateway.signin.request_context import RequestContext
from gateway.signin.session import Session
from gateway.signin.transaction import Demand, SigninTransaction


class Step(StrEnum):
    PASSWORD = "password"
    DEVICE = "device"
    CODE = "code"
    STRUCTURE = "structure"
    COMPLETE = "complete"
    REFUSED = "refused"


class Journey:
    def __init__(
        self,
        *,
        transactions: SigninTransactions,
        sessions: Sessions,
        accounts: Accounts,
        devices: TrustedDevices,
        structures: ActiveStructures,
        scale: AssuranceScale,
        policy: SigninPolicy,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        raise NotImplementedError

    def open(
        self,
        demand: Demand,
        continuation: Mapping[str, Any],
        *,
        browser_cookie: str,
        session: Session | None,
        context: RequestContext,
    ) -> SigninTransaction:
        raise NotImplementedError

    def find(self, handle: str, *, browser_cookie: str | None) -> SigninTransaction:
        raise NotImplementedError

    def next_step(self, txn: SigninTransaction, *, device_id: str | None) -> Step:
        raise NotImplementedError

    def structures(self, txn: SigninTransaction) -> Sequence[StructureChoice]:
        raise NotImplementedError

    def choose_structure(self, txn: SigninTransaction, structure_id: str) -> SigninTransaction:
        raise NotImplementedError

    def complete(
        self, txn: SigninTransaction, *, previous_session: str | None, context: RequestContext
    ) -> Session:
        raise NotImplementedError

    def refuse(self, txn: SigninTransaction, error: str, context: RequestContext) -> SigninTransaction:
        raise NotImplementedError

    def take(
        self, handle: str, *, browser_cookie: str | None, session: Session | None, context: RequestContext
    ) -> SigninTransaction:
        raise NotImplementedError
