"""Which telephone numbers may receive a code, and how they are written (SMS-03, SMS-06).

A number is kept as E.164. Only mobile ranges of the countries that a deployment names are accepted: premium and shared-cost
numbers, landlines, satellites and letters are refused before any provider is asked. A number serves two accounts at most.
"""

import re
import unicodedata
from collections.abc import Collection

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

from gateway.accounts.french_territories import FRENCH, HOME
from gateway.refusal import Refusal

_LONGEST = 40
_AS_TYPED = re.compile(r"\+?[0-9 ().\-/]+")
_DASHES = re.compile(r"[\u2010-\u2015\u2212]")
_FICTION = re.compile(r"\+336(?:3998)\d{4}")
"""Mobile numbers that France keeps for stories: nobody has one, and the demo's people do."""


class PhoneRefused(Refusal):
    """`facts["reason"]`: `unreadable`, `not_mobile` or `country`."""

    code = "phone_refused"
    text = "account.phone_refused"


def mobile_number(typed: str, *, countries: Collection[str] = FRENCH, fiction: bool = False) -> str:
    """`typed` as E.164. A number without its country is looked for in France first, then in the other countries. `fiction`
    lets the demo's people have telephones. Raises PhoneRefused."""
    plain = _DASHES.sub("-", unicodedata.normalize("NFKC", typed)).strip()
    if len(plain) > _LONGEST or not _AS_TYPED.fullmatch(plain):
        raise PhoneRefused("a character that no number has, or too many of them", reason="unreadable")
    refusal = PhoneRefused("no number at all", reason="unreadable")
    for home in (HOME, *sorted(set(countries) - {HOME})):
        try:
            number = phonenumbers.parse(plain, home)
        except phonenumbers.NumberParseException:
            continue
        written = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        if fiction and _FICTION.fullmatch(written):
            return written
        reason = _why_not(number, countries)
        if reason is None:
            return written
        if refusal.facts["reason"] == "unreadable":  # what a nearer country makes of it says more
            refusal = PhoneRefused("not a mobile number of these countries", reason=reason)
    raise refusal


def _why_not(number: PhoneNumber, countries: Collection[str]) -> str | None:
    if not phonenumbers.is_valid_number(number) or number.extension:
        return "unreadable"
    if phonenumbers.number_type(number) != PhoneNumberType.MOBILE:
        return "not_mobile"
    return None if phonenumbers.region_code_for_number(number) in countries else "country"


def country_of(number: str) -> str | None:
    """The country of an E.164 number, by its range or else by its code; None of what belongs to none (satellites)."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return None
    found = phonenumbers.region_code_for_number(parsed)
    country = found or phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    return country if len(country) == 2 and country.isalpha() and country != "ZZ" else None


def prefix_of(number: str) -> str:
    """What a block of numbers of one holder has in common: all but the last four digits."""
    return number[:-4]


def tells_mobiles_apart(country: str) -> bool:
    """Whether the numbering plan of `country` has ranges of mobiles alone."""
    example = phonenumbers.example_number_for_type(country, PhoneNumberType.MOBILE)
    return example is not None and phonenumbers.number_type(example) == PhoneNumberType.MOBILE
