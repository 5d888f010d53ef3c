"""SMS through Twilio's own library, the only file that knows it (an extra: `pip install passerelle[twilio]`).

Signs in with API keys (`SK…:secret`), never with the account's master token (SMS-11): of two live keys the newest is tried
first. Asks that the body be discarded there (OTP-18). The library's log, which would hold bodies, is silenced; what it raises
is turned into a sentence without any content.
"""

import datetime
import logging
import re
from collections.abc import Callable, Sequence
from typing import Any

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from gateway.accounts.sim_signal import SimSignal
from gateway.messages.sms_http import SmsRefusedError

_KEY = re.compile(r"(SK[0-9a-f]{32}):(\S+)")
_SID = re.compile(r"[A-Z]{2}[0-9a-f]{32}")
_NOT_KNOWN = {401, 403}
_REDACTION_IS_OFF = 30029
"""The account has not switched message privacy on: the runbook says how; meanwhile codes still leave."""
_RECENT = datetime.timedelta(days=7)
_NO_ENVIRONMENT = {"PASSERELLE": "reads no credential from the environment"}


class TwilioSmsSender:
    """`sender`: a number, or a messaging service (MG…). `secrets` gives the live keys, newest first, at each message."""

    def __init__(
        self,
        *,
        account_sid: str,
        secrets: Callable[[], Sequence[str]],
        sender: str,
        edge: str | None = None,
        region: str | None = None,
        timeout: float = 3.0,
        base_url: str | None = None,
    ) -> None:
        self._account_sid, self._secrets = account_sid, secrets
        self._from = {"messaging_service_sid": sender} if sender.startswith("MG") else {"from_": sender}
        self._edge, self._region, self._timeout = edge, region, timeout
        self._base_url = base_url
        self._discard = {"content_retention": "discard"}

    def send(self, *, to: str, text: str) -> str | None:
        """The message's identifier at Twilio."""
        try:
            return self._sent(to, text)
        except TwilioRestException as error:
            if error.code != _REDACTION_IS_OFF or not self._discard:
                raise SmsRefusedError(f"status {error.status}, code {error.code}") from None
        self._discard = {}
        try:
            return self._sent(to, text)
        except TwilioRestException as error:
            raise SmsRefusedError(f"status {error.status}, code {error.code}") from None

    def sim(self, number: str, now: float) -> SimSignal:
        """When the carrier last changed the SIM, where Twilio may tell (Lookup v2, `sim_swap`)."""
        try:
            found = self._with_a_key(lambda client: client.lookups.v2.phone_numbers(number).fetch(fields="sim_swap"))
        except TwilioRestException as error:
            raise SmsRefusedError(f"status {error.status}, code {error.code}") from None
        return read_sim_swap(found.sim_swap, now)

    def _sent(self, to: str, text: str) -> str | None:
        made = self._with_a_key(lambda client: client.messages.create(to=to, body=text, **self._from, **self._discard))
        sid = made.sid
        return sid if isinstance(sid, str) and _SID.fullmatch(sid) else None

    def _with_a_key(self, ask: Callable[[Client], Any]) -> Any:
        keys = [found for line in self._secrets() if (found := _KEY.fullmatch(line)) is not None]
        if not keys:
            raise SmsRefusedError("no API key: its file holds lines `SK…:secret`, never the account's own token")
        for place, key in enumerate(keys, 1):
            try:
                return ask(self._client(key[1], key[2]))
            except TwilioRestException as error:
                if error.status not in _NOT_KNOWN or place == len(keys):
                    raise
            except (TwilioException, requests.RequestException, OSError) as error:
                raise SmsRefusedError(type(error).__name__) from None
        raise SmsRefusedError("no key was tried")

    def _client(self, key: str, secret: str) -> Client:
        silent = logging.Logger("passerelle.twilio", logging.CRITICAL)
        silent.disabled = True
        http = TwilioHttpClient(pool_connections=True, timeout=self._timeout, logger=silent)
        if http.session is not None:
            http.session.trust_env = False
        client = Client(
            key,
            secret,
            self._account_sid,
            region=self._region,
            edge=self._edge,
            http_client=http,
            environment=_NO_ENVIRONMENT,
        )
        if self._base_url is not None:
            client.api.base_url = client.lookups.base_url = self._base_url
        return client


def read_sim_swap(unverified: Any, now: float) -> SimSignal:
    """What Lookup says, read without trust: anything else than a clear answer is an absent signal, which is never "safe"."""
    last = unverified.get("last_sim_swap") if isinstance(unverified, dict) else None
    if not isinstance(last, dict) or unverified.get("error_code") is not None:
        return SimSignal.ABSENT
    if isinstance(last.get("swapped_in_period"), bool):
        return SimSignal.CHANGED if last["swapped_in_period"] else SimSignal.UNCHANGED
    try:
        at = datetime.datetime.fromisoformat(str(last.get("last_sim_swap_date")))
        age = datetime.datetime.fromtimestamp(now, datetime.UTC) - at
    except (ValueError, TypeError):
        return SimSignal.ABSENT
    return SimSignal.CHANGED if age < _RECENT else SimSignal.UNCHANGED
