"""Which numbers may receive a code."""

import pytest

from gateway.accounts.french_territories import FRENCH
from gateway.accounts.phone import PhoneRefused, country_of, mobile_number, prefix_of, tells_mobiles_apart

ACCEPTED = {
    "france": ("06 12 34 56 78", "+33612345678"),
    "france-abroad": ("+33 6 12 34 56 78", "+33612345678"),
    "france-00": ("0033612345678", "+33612345678"),
    "france-07": ("07.56.78.90.12", "+33756789012"),
    "full-width": ("０６１２３４５６７８", "+33612345678"),
    "dashes": ("06‑12–34-56-78", "+33612345678"),
    "guadeloupe": ("0690 00 12 34", "+590690001234"),
    "martinique": ("+596696123456", "+596696123456"),
    "guyane": ("0694 20 12 34", "+594694201234"),
    "reunion": ("0692 12 34 56", "+262692123456"),
    "mayotte": ("0639 69 01 23", "+262639690123"),
    "saint-pierre": ("+508551234", "+508551234"),
    "polynesie": ("+68987123456", "+68987123456"),
    "wallis": ("+681821234", "+681821234"),
}
REFUSED = {
    "landline": ("01 45 67 89 01", "not_mobile"),
    "landline-overseas": ("+590590123456", "not_mobile"),
    "voip": ("09 87 65 43 21", "not_mobile"),
    "premium": ("08 99 12 34 56", "not_mobile"),
    "premium-international": ("+979123456789", "not_mobile"),
    "shared-cost": ("08 20 12 34 56", "not_mobile"),
    "free": ("08 00 12 34 56", "not_mobile"),
    "satellite-globalstar": ("+8816123456789", "country"),
    "satellite-inmarsat": ("+870773111632", "country"),
    "germany": ("+4915112345678", "country"),
    "united-kingdom": ("+447400123456", "country"),
    "new-caledonia": ("+687751234", "country"),
    "north-america": ("+12015550123", "not_mobile"),
    "short-number": ("3639", "unreadable"),
    "not-attributed": ("+33700123456789", "unreadable"),
    "letters": ("06 12 FLEURS", "unreadable"),
    "vanity": ("0800-FLOWERS", "unreadable"),
    "sender-name": ("Passerelle", "unreadable"),
    "extension": ("+33612345678 ext 5", "unreadable"),
    "two-numbers": ("0612345678, 0699999999", "unreadable"),
    "line-break": ("0612345678\r\nBcc: x", "unreadable"),
    "uri": ("tel:+33612345678", "unreadable"),
    "nothing": ("", "unreadable"),
    "endless": ("0" * 400, "unreadable"),
    "fiction": ("06 39 98 00 01", "unreadable"),
}


@pytest.mark.spec("SMS-03")
@pytest.mark.parametrize("name", ACCEPTED)
def test_a_mobile_number_of_the_countries_served_is_kept_as_e164(name: str) -> None:
    typed, kept = ACCEPTED[name]
    assert mobile_number(typed) == kept


@pytest.mark.spec("SMS-03")
@pytest.mark.parametrize("name", REFUSED)
def test_any_other_number_is_refused_with_its_reason(name: str) -> None:
    typed, reason = REFUSED[name]
    with pytest.raises(PhoneRefused) as refused:
        mobile_number(typed)
    assert refused.value.facts["reason"] == reason


@pytest.mark.spec("SMS-03")
def test_a_country_is_served_only_where_it_is_named() -> None:
    assert mobile_number("+4915112345678", countries={"FR", "DE"}) == "+4915112345678"
    with pytest.raises(PhoneRefused):
        mobile_number("+590690001234", countries={"FR"})


def test_the_demos_people_have_numbers_that_nobody_has() -> None:
    assert mobile_number("06 39 98 00 01", fiction=True) == "+33639980001"
    with pytest.raises(PhoneRefused):
        mobile_number("01 99 00 00 01", fiction=True)


def test_what_is_counted_of_a_number_is_its_country_and_its_block() -> None:
    assert (country_of("+33639980001"), prefix_of("+33639980001")) == ("FR", "+3363998")
    assert country_of("+590690001234") == "GP"
    assert country_of("+8816123456789") is None
    assert country_of("nonsense") is None


def test_a_country_whose_mobiles_cannot_be_told_apart_cannot_be_served() -> None:
    assert all(tells_mobiles_apart(country) for country in FRENCH)
    assert not any(tells_mobiles_apart(country) for country in ("US", "CA", "XX", "fr"))
