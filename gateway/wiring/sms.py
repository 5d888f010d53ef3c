"""Text messages of one deployment: who carries them, whom they may reach, how many."""

from collections.abc import Sequence

from gateway.jobs.ports import NumberSignals, SmsSender
from gateway.keys.purposes import Purpose
from gateway.settings import ConfigurationError, Settings, Sms
from gateway.signin.one_time_code.sms_gate import SmsGate, SmsPolicy
from gateway.signin.one_time_code.sms_meter import ConversionFloor
from gateway.signin.policy import DAY, HOUR, Window
from gateway.wiring.phone_countries import sms_countries
from gateway.wiring.secret_file import live_secrets_in
from gateway.wiring.stores import Stores

_SECONDS = 3.0


def sms_gate(settings: Settings, stores: Stores) -> SmsGate | None:
    """None where no text message is sent."""
    if settings.sms is None:
        return None
    values = settings.values

    def windows(name: str) -> tuple[Window, Window]:
        return Window(values[f"{name}.hour"], HOUR), Window(values[f"{name}.day"], DAY)

    policy = SmsPolicy(
        budget_daily=settings.sms.budget.daily,
        countries=sms_countries(settings),
        per_phone=windows("otp.sends.phone"),
        per_prefix=windows("sms.prefix"),
        per_country=windows("sms.country"),
        floor=ConversionFloor(
            sends=values["sms.conversion_floor.sends"],
            percent=values["sms.conversion_floor.percent"],
            window_seconds=HOUR,
            patience_seconds=values["otp.ttl.sms"],
        ),
    )
    return SmsGate(stores.ephemeral.sms_meter, stores.database.purpose_keys.get(Purpose.THROTTLE), policy)


def sms_sender(settings: Settings) -> tuple[SmsSender | None, NumberSignals | None]:
    """Who carries messages, and who tells of changed SIMs. Raises ConfigurationError when a secret cannot be read now."""
    sms = settings.sms
    if sms is None:
        return None, None
    if sms.secret_file is not None:
        live_secrets_in(sms.secret_file)
    if sms.provider == "twilio":
        return _twilio(sms)
    from gateway.messages.sms_http import HttpSmsSender  # noqa: PLC0415 -- an HTTP client, which the jobs alone need

    sender = HttpSmsSender(
        url=sms.url,
        secrets=lambda: _secrets(sms),
        body=sms.body,
        authorization=sms.authorization,
        timeout=_SECONDS,
    )
    return sender, None


def _twilio(sms: Sms) -> tuple[SmsSender, NumberSignals | None]:
    try:
        from gateway.messages.sms_twilio import TwilioSmsSender  # noqa: PLC0415 -- an extra: most deployments do without
    except ImportError:
        raise ConfigurationError(
            "sms.provider: twilio needs its library, which is not installed: add requirements/twilio.txt (the extra `twilio`)"
        ) from None
    if sms.twilio is None:
        raise ConfigurationError("sms.twilio.account_sid: name the account")
    account = sms.twilio
    sender = TwilioSmsSender(
        account_sid=account.account_sid,
        secrets=lambda: _secrets(sms),
        sender=account.sender,
        edge=account.edge,
        region=account.region,
        timeout=_SECONDS,
    )
    return sender, sender if account.sim_changes else None


def _secrets(sms: Sms) -> Sequence[str]:
    """Read at each message, so that a rotation needs no restart."""
    try:
        return live_secrets_in(sms.secret_file) if sms.secret_file is not None else ()
    except ConfigurationError as error:
        raise OSError(str(error)) from None
