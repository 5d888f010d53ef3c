"""How a contact is shown to somebody who has given only the first factor (OTP-12)."""

from gateway.accounts.account import Account, CodeChannel


def masked_phone(phone: str) -> str:
    """`•• •• •• •• 42`"""
    return f"•• •• •• •• {phone[-2:]}"


def masked_email(email: str) -> str:
    """`c•••@e•••.fr`: the first letters of the name and of the domain, and the last label."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}•••@{domain[:1]}•••.{domain.rpartition('.')[2]}"


def masked_contact(account: Account, channel: CodeChannel) -> str:
    if channel is CodeChannel.SMS:
        return masked_phone(account.phone or "")
    return masked_email(account.email)
