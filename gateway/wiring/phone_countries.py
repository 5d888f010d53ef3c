"""The countries whose mobile numbers this deployment serves (`sms.countries`, SMS-03)."""

from gateway.accounts.french_territories import FRENCH
from gateway.settings import ConfigurationError, Settings


def sms_countries(settings: Settings) -> frozenset[str]:
    """The countries whose mobile numbers are served, also where no message leaves yet. Raises ConfigurationError."""
    named = settings.sms.countries if settings.sms is not None else None
    if named is None:
        return FRENCH
    from gateway.accounts.phone import tells_mobiles_apart  # noqa: PLC0415 -- its tables, for those who name countries

    for country in named:
        if not tells_mobiles_apart(country):
            raise ConfigurationError(
                f"sms.countries: {country} has no numbers that are mobiles alone: its landlines and premium numbers could "
                "not be refused (SMS-03); leave it out"
            )
    return frozenset(named)
