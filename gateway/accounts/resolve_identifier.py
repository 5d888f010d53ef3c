"""From what a person typed to one account (DECISIONS 13): by type and value, with exactly one look-up whatever was typed."""

from gateway.accounts.account import Account
from gateway.accounts.identifiers import normalise_identifier
from gateway.accounts.ports import Accounts


def resolve_identifier(accounts: Accounts, typed: str) -> Account | None:
    """The account named by an RPPS (spaces tolerated, `8` + RPPS understood), a verified address, or a user name."""
    kind, value = normalise_identifier(typed)
    if kind == "rpps":
        return accounts.find_by_rpps(value)
    if kind == "email":
        return accounts.find_by_verified_email(value)
    return accounts.find_by_username(value)
