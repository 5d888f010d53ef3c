"""A reset that somebody asked for, carried out beside the request (RST-06, THR-07).

The request only says that it was asked: writing a link takes a durable commit, and whoever measures the answer would know by
it that the account exists. The link is made here, when the order is taken from the outbox; an order taken twice makes one.
Refuses an account that can no longer use a reset.
"""

from gateway.accounts.account import Account, AccountStatus
from gateway.accounts.one_time_link import LinkPurpose, new_link, sending
from gateway.accounts.ports import Accounts, OneTimeLinks
from gateway.journal.effects import Outgoing, because
from gateway.keys.purposes import PurposeKey
from gateway.randomness import Randomness


def reset_order(account: Account, asked_at: float) -> Outgoing:
    return Outgoing("reset", {"account": account.id, "asked_at": int(asked_at)})


def has_password_to_reset(account: Account) -> bool:
    return account.status is AccountStatus.ACTIVE and account.password_hash is not None


class ResetLinks:
    def __init__(
        self,
        *,
        accounts: Accounts,
        links: OneTimeLinks,
        link_key: PurposeKey,
        ttl_seconds: int,
        randomness: Randomness,
    ) -> None:
        self._accounts = accounts
        self._links = links
        self._link_key = link_key
        self._ttl_seconds = ttl_seconds
        self._randomness = randomness

    def issue(self, account_id: str, asked_at: int, now: float) -> bool:
        """Makes the link and orders its mail; False when there is nothing to do any more."""
        account = self._accounts.get(account_id)
        if account is None or not has_password_to_reset(account) or now >= asked_at + self._ttl_seconds:
            return False
        latest = self._links.latest(account.id, LinkPurpose.RESET)
        if latest is not None and latest.issued_at >= asked_at:
            return False
        link = new_link(
            self._link_key,
            LinkPurpose.RESET,
            account_id=account.id,
            contact_version=account.contact_version,
            now=now,
            ttl_seconds=self._ttl_seconds,
            randomness=self._randomness,
        )
        self._links.issue(link, because(outgoing=(sending(link),)))
        return True
