"""The one-time-code form: one field (A11Y-03), the masked contact, another sending, another channel, and the offer to trust
this device, which only a script can take (DECISIONS 2). Sending again answers the same whatever happens to the message
(OTP-11)."""

import base64
import binascii
import re

import flask
from werkzeug.wrappers import Response

from gateway.signin.device.cookie import key_name, with_device
from gateway.signin.device.label import browser_and_system
from gateway.signin.journey import Step
from gateway.signin.linking.pending import pending
from gateway.signin.one_time_code.signin import CodeDead, CodeRefused, CodeSignin, ResendTooSoon
from gateway.signin.pages import RULE_REFUSED, JourneyPages
from gateway.signin.transaction import SigninTransaction
from gateway.web import cookies

_POINT_LENGTH = 65
_LONGEST_WAIT = 900
_BETWEEN_DIGITS = re.compile(r"[\s.\-\u2010-\u2015]+")


def public_point(unverified: str) -> bytes | None:
    """An uncompressed P-256 point, or None: then no device is trusted."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{87}", unverified):
        return None
    try:
        point = base64.urlsafe_b64decode(unverified + "=")
    except binascii.Error:
        return None
    return point if len(point) == _POINT_LENGTH and point[0] == 4 else None


def pages(journey_pages: JourneyPages, codes: CodeSignin, *, trust_days: int = 30) -> flask.Blueprint:
    """`trust_days` is how long a device may be trusted; 0 when a code is asked each time: then nothing is offered."""
    blueprint = journey_pages.blueprint("one_time_code")
    shell = journey_pages.shell

    def form_page(
        txn: SigninTransaction, *, status: int = 200, error: str | None = None, notice: str | None = None, wait: int = 0
    ) -> Response:
        waiting = pending(txn)
        return journey_pages.page(
            "signin/code.html",
            txn,
            status=status,
            error=error,
            notice=notice,
            wait=wait,
            contact=codes.masked_contact(txn),
            channel=txn.code_channel,
            others=[channel for channel in codes.channels(txn) if channel != txn.code_channel],
            key_name=key_name(txn.account_id or ""),
            trust_days=trust_days if waiting is None and txn.shared is None else 0,
            linking=waiting.kind.value if waiting is not None else None,
        )

    def device_label(hint: str | None) -> str:
        browser, system = browser_and_system(flask.request.headers.get("User-Agent", ""))
        language, say = shell.language(hint), shell.translations.say
        browser = browser or say(language, "device.some_browser")
        return say(language, "device.label", browser=browser, system=system or say(language, "device.some_system"))

    @blueprint.get("/signin/<handle>/code")
    def show(handle: str) -> Response:
        txn = journey_pages.at(handle, Step.CODE)
        try:
            txn = codes.start(txn, journey_pages.context(txn.demand.ui_locale))
        except (CodeDead, ResendTooSoon) as refusal:
            text = shell.refusal_text(refusal, txn.demand.ui_locale)
            return form_page(txn, status=RULE_REFUSED, error=text)
        asked = flask.request.args.get("wait", "")
        wait = min(int(asked), _LONGEST_WAIT) if re.fullmatch(r"[0-9]{1,4}", asked) else 0
        return form_page(txn, notice="resent" if "sent" in flask.request.args else None, wait=wait)

    @blueprint.post("/signin/<handle>/code")
    def submit(handle: str) -> Response:
        fields = shell.form(f"code:{handle}")
        txn = journey_pages.at(handle, Step.CODE)
        hint = txn.demand.ui_locale
        trusted = trust_days > 0 and fields.get("trust") == "yes"
        try:
            txn, device = codes.submit(
                txn,
                _BETWEEN_DIGITS.sub("", fields.get("code", ""))[:32],
                journey_pages.context(hint),
                device_public_key=public_point(fields.get("device_public_key", "")) if trusted else None,
                device_label=device_label(hint) if trusted else "",
            )
        except (CodeRefused, CodeDead) as refusal:
            return form_page(txn, status=RULE_REFUSED, error=shell.refusal_text(refusal, hint))
        response = journey_pages.onward(txn)
        if device is not None:
            value = with_device(flask.request.cookies.get(cookies.DEVICE), device.account_id, device.id)
            cookies.put(response, cookies.DEVICE, value, seconds=cookies.LONG)
        return response

    @blueprint.post("/signin/<handle>/code/resend")
    def resend(handle: str) -> Response:
        fields = shell.form(f"resend:{handle}")
        txn = journey_pages.at(handle, Step.CODE)
        context = journey_pages.context(txn.demand.ui_locale)
        channel = fields.get("channel")
        here = f"/signin/{txn.handle}/code"
        try:
            if channel is not None and channel != txn.code_channel and channel in codes.channels(txn):
                codes.start(txn, context, channel=channel)
            else:
                codes.resend(txn, context)
        except ResendTooSoon as refusal:
            return shell.see_other(f"{here}?wait={int(refusal.facts.get('wait_seconds', 0))}")
        except CodeDead as refusal:
            return form_page(txn, status=RULE_REFUSED, error=shell.refusal_text(refusal, txn.demand.ui_locale))
        return shell.see_other(f"{here}?sent")

    return blueprint
