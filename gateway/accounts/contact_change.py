"""A change of contact by its holder: asked, proved by a code that the new contact received, made, and for a while undone from
the former address (OTP-13, R000-13, R002-19).

A new e-mail address counts once its code is given back. A new telephone number is written at once, unverified: codes go by
e-mail until it is verified. A new address recovers nothing for a day.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.accounts.account import Account, CodeChannel

HELD_SECONDS = 24 * 3600
"""How long a new address recovers nothing."""


class Contact(StrEnum):
    EMAIL = "email"
    PHONE = "phone"
    RECOVERY_EMAIL = "recovery_email"


@dataclass(frozen=True, slots=True)
class ContactChange:
    """`contact_version`: of the account while it waits. `former`: what it replaced, once it is made; for a number, at once.
    `value` is empty where the contact was removed."""

    id: str
    account_id: str
    contact: Contact
    value: str
    contact_version: int
    asked_at: float
    expires_at: float
    former: str | None = None
    made_at: float | None = None
    ended_at: float | None = None

    def waits(self, now: float) -> bool:
        return self.made_at is None and self.ended_at is None and now < self.expires_at


def current(account: Account, contact: Contact) -> str | None:
    return {
        Contact.EMAIL: account.email,
        Contact.PHONE: account.phone,
        Contact.RECOVERY_EMAIL: account.recovery_email,
    }[contact]


def with_contact(account: Account, contact: Contact, value: str | None, now: float) -> Account:
    """The account with this contact, verified now: what was under way for the former ones dies. The address and the number
    where codes go also end the trust of devices and the younger proofs."""
    version = account.contact_version + 1
    if contact is Contact.RECOVERY_EMAIL:
        verified = None if value is None else now
        return replace(account, recovery_email=value, recovery_email_verified_at=verified, contact_version=version)
    changed = replace(account, contact_version=version, code_demanded_since=now)
    if contact is Contact.PHONE:
        if value is None:
            return replace(changed, phone=None, phone_verified_at=None, code_channel=CodeChannel.EMAIL)
        return replace(changed, phone=value, phone_verified_at=now)
    return replace(changed, email=value or account.email, email_verified_at=now, email_changed_at=now)


def with_unverified_phone(account: Account, number: str) -> Account:
    """Editing the number clears its verification and falls back to e-mail (R002-19)."""
    version = account.contact_version + 1
    return replace(
        account, phone=number, phone_verified_at=None, code_channel=CodeChannel.EMAIL, contact_version=version
    )


def recovery_addresses(account: Account, now: float) -> tuple[str, ...]:
    """Where a lost password may be recovered: not at an address that replaced another within the day (OTP-13)."""
    changed, verified = account.email_changed_at, account.recovery_email_verified_at
    usual = (account.email,) if changed is None or now - changed >= HELD_SECONDS else ()
    if account.recovery_email is None or verified is None or now - verified < HELD_SECONDS:
        return usual
    return (*usual, account.recovery_email)
