"""The identifiers people type: RPPS, FINESS, SIRET, user names, e-mail addresses (DECISIONS 13).

Match by type and value, never by cutting strings. The Luhn key is enforced on what people type, not on what a verified
assertion says: it rejects typing errors, not impostors.
"""

import re
import unicodedata

_RPPS_LENGTH = 11
_USERNAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
_BETWEEN_DIGITS = re.compile(r"[._-]")
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f,;:<>()\[\]\"\\]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")


def luhn_ok(digits: str) -> bool:
    """Whether the last digit is the Luhn key of the others. Anything but ASCII digits fails."""
    if not digits or not digits.isascii() or not digits.isdigit():
        return False
    total = 0
    for place, character in enumerate(reversed(digits)):
        value = int(character) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _without_spaces(typed: str) -> str:
    """Every kind of space goes; full-width digits become digits."""
    return "".join(character for character in unicodedata.normalize("NFKC", typed) if not character.isspace())


def parse_rpps(typed: str) -> str | None:
    """The eleven digits of an RPPS typed with or without spaces, or as the national identifier `8` + RPPS; else None."""
    compact = _without_spaces(typed)
    if len(compact) == _RPPS_LENGTH + 1 and compact.startswith("8"):
        compact = compact.removeprefix("8")
    return compact if len(compact) == _RPPS_LENGTH and luhn_ok(compact) else None


def parse_finess(typed: str) -> str | None:
    """Nine characters. The key is not checked for Corsica (letters), whose rule is not published."""
    compact = _without_spaces(typed).upper()
    if luhn_ok(compact) and len(compact) == 9:
        return compact
    return compact if re.fullmatch(r"2[AB][0-9]{7}", compact) else None


def parse_siret(typed: str) -> str | None:
    """Fourteen digits with their key (La Poste's own, a multiple of five, included)."""
    compact = _without_spaces(typed)
    if len(compact) != 14 or not compact.isascii() or not compact.isdigit():
        return None
    if luhn_ok(compact):
        return compact
    return compact if compact.startswith("356000000") and sum(map(int, compact)) % 5 == 0 else None


def normalise_username(typed: str) -> str:
    """How user names are compared."""
    return unicodedata.normalize("NFKC", typed).strip().casefold()


def parse_username(typed: str) -> str | None:
    """A user name that can be given to an account: never the shape of an RPPS, of a national identifier, of an address; nor of
    a number whose digits are only set apart, which a reader takes for somebody's RPPS (R002-12)."""
    name = normalise_username(typed)
    return name if _USERNAME.fullmatch(name) and not _BETWEEN_DIGITS.sub("", name).isdigit() else None


def parse_email(typed: str) -> str | None:
    """An address we can write to, with its domain in lower case; None for anything that could break a header."""
    compact = unicodedata.normalize("NFC", typed).strip()
    local, _, domain = compact.rpartition("@")
    address = f"{local}@{domain.lower()}"
    return address if len(address) <= 254 and _EMAIL.fullmatch(address) else None


def normalise_identifier(typed: str) -> tuple[str, str]:
    """(kind, value) of what somebody typed to name an account: `rpps`, `email` or `username`."""
    rpps = parse_rpps(typed)
    if rpps is not None:
        return "rpps", rpps
    name = normalise_username(typed)
    return ("email" if "@" in name else "username"), name
