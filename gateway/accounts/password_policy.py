"""Which passwords are accepted (PWD-01, PWD-02, PWD-03): length and computed entropy, no composition rule, no known one.

Refuses what is too short or too simple for its length (the refusal names the missing length, never a kind of character), too
long, common, breached (PWD-04), or made of the service's, the person's or their establishments' own words. Nobody's password
expires by age here (PWD-07); whether one must be renewed is said by gateway/accounts/password_renewal.py.
"""

import math
import unicodedata
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass

from gateway.accounts.account import Account
from gateway.refusal import Refusal


class PasswordTooWeak(Refusal):
    """`text` is `password.too_short` (`facts["missing_length"]`: with so many characters more of the same kinds it would do),
    `password.too_long` (`facts["max_length"]`), or `password.known`."""

    code = "password_too_weak"
    text = "password.too_short"


class PasswordTooLong(PasswordTooWeak):
    text = "password.too_long"


class PasswordKnown(PasswordTooWeak):
    text = "password.known"


class PasswordUnchanged(PasswordTooWeak):
    """Another one is demanded, and this is the same."""

    text = "password.unchanged"


@dataclass(frozen=True, slots=True)
class Strength:
    """Characters, and bits of computed entropy."""

    min_length: int
    min_entropy: float


MAX_LENGTH = 256
FOR_EVERYBODY = Strength(12, 50)
FOR_ADMINISTRATORS = Strength(15, 80)
_SHORTEST_WORD = 4


def alphabet_size(password: str) -> int:
    """How many characters it seems drawn from: 26 lowercase, 26 uppercase, 10 digits, 37 others (as the CNIL counts)."""
    lower = any("a" <= character <= "z" for character in password)
    upper = any("A" <= character <= "Z" for character in password)
    digit = any("0" <= character <= "9" for character in password)
    other = any(not (character.isascii() and character.isalnum()) for character in password)
    return 26 * lower + 26 * upper + 10 * digit + 37 * other


def entropy(password: str) -> float:
    """L·log2 N, in bits (section 2 of the security requirements)."""
    size = alphabet_size(password)
    return len(password) * math.log2(size) if size else 0.0


class PasswordPolicy:
    """`blocklist`: in lower case and without spaces. `context_words`: names of the service and of the products; `words_of`:
    those of one account, the names of its establishments; `breached`: passwords that a breach made public."""

    def __init__(
        self,
        blocklist: Container[str],
        context_words: Iterable[str] = (),
        *,
        words_of: Callable[[Account], Iterable[str]] = lambda _: (),
        breached: Container[str] = frozenset(),
        everybody: Strength = FOR_EVERYBODY,
        administrators: Strength = FOR_ADMINISTRATORS,
    ) -> None:
        self._known = blocklist
        self._context = frozenset(map(_folded, context_words))
        self._words_of = words_of
        self._breached = breached
        self._everybody = everybody
        self._administrators = administrators

    def check(self, password: str, account: Account) -> None:
        """Raises PasswordTooWeak."""
        password = unicodedata.normalize("NFC", password)
        strength = self._administrators if account.is_administrator else self._everybody
        if len(password) > MAX_LENGTH:
            raise PasswordTooLong("too long", max_length=MAX_LENGTH)
        needed = strength.min_length
        if (size := alphabet_size(password)) > 1:
            needed = max(needed, math.ceil(strength.min_entropy / math.log2(size)))
        if len(password) < needed:
            raise PasswordTooWeak("too short", min_length=needed, missing_length=needed - len(password))
        if self._is_known(_folded(password), account) or password in self._breached:
            raise PasswordKnown("known, breached, or the person's own words")

    def is_breached(self, password: str) -> bool:
        """Whether it is public by now, though it was accepted once."""
        return password in self._breached

    def _is_known(self, password: str, account: Account) -> bool:
        """A whole known password; or a word of the service or the person, alone or with digits and signs around it."""
        if password in self._known:
            return True
        words = self._context | _own_words(account) | frozenset(map(_folded, self._words_of(account)))
        bare = "".join(character for character in password if character.isalpha())
        bare_words = {"".join(filter(str.isalpha, word)) for word in words if len(word) >= _SHORTEST_WORD}
        return password in words or (len(bare) >= _SHORTEST_WORD and bare in bare_words)


def _own_words(account: Account) -> frozenset[str]:
    given, family = account.given_name, account.family_name
    words = [given, family, given + family, family + given, account.username, account.email]
    words += [account.email.partition("@")[0], account.rpps or "", f"8{account.rpps}" if account.rpps else ""]
    return frozenset(_folded(word) for word in words if word)


def _folded(text: str) -> str:
    """Compared without case and without spaces."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())
