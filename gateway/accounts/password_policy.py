"""Which passwords are accepted (PWD-01, PWD-02, PWD-03): length and computed entropy, no composition rule, no known one."""

from collections.abc import Iterable

from gateway.accounts.account import Account
from gateway.refusal import Refusal


class PasswordTooWeak(Refusal):
    """`text` says why in words of length: `password.too_short`, `password.too_long`, `password.too_simple`,
    `password.known`; `facts["min_length"]`, `facts["missing_length"]`."""

    code = "password_too_weak"
    text = "password.too_short"


class PasswordPolicy:
    def __init__(self, blocklist: Iterable[str], context_words: Iterable[str] = ()) -> None:
        raise NotImplementedError

    def check(self, password: str, account: Account) -> None:
        """Raises PasswordTooWeak."""
        raise NotImplementedError
