"""A one-time link that can still be used: the activation that waits for an identity, the protest against a link.

Unknown, used, revoked, expired or of another purpose: one refusal for all (RST-09).
"""

from gateway.accounts.account import Account, AccountStatus
from gateway.accounts.one_time_link import LinkPurpose, OneTimeLink
from gateway.accounts.ports import Accounts, OneTimeLinks
from gateway.signin.enrolment.access_link import LinkGone


def live_link(links: OneTimeLinks, token_digest: bytes | None, purpose: LinkPurpose, now: float) -> OneTimeLink:
    """Consumes nothing. Raises LinkGone."""
    link = links.find_by_digest(token_digest) if token_digest is not None else None
    if link is None or link.purpose is not purpose:
        raise LinkGone("unknown")
    if link.used_at is not None or link.revoked_at is not None or now >= link.expires_at:
        raise LinkGone("used, revoked or expired")
    return link


def live_activation(
    links: OneTimeLinks, accounts: Accounts, token_digest: bytes | None, now: float
) -> tuple[OneTimeLink, Account]:
    """The activation link and the account that it invites. Consumes nothing. Raises LinkGone."""
    link = live_link(links, token_digest, LinkPurpose.ACTIVATION, now)
    account = accounts.get(link.account_id)
    if account is None or account.status is not AccountStatus.INVITED:
        raise LinkGone("nobody is invited by it")
    if account.contact_version != link.contact_version:
        raise LinkGone("the account changed")
    return link, account
