"""The one-time-code form: one field (A11Y-03), the masked contact, another sending, another channel, and the offer to trust
this device, which only a script can take (DECISIONS 2). Sending again answers the same whatever happens to the message
(OTP-11)."""

import re

import flask
from werkzeug.wrappers import Response

from gateway.signin.device.cookie import key_name
from gateway.signin.device.public_point import public_point
from gateway.signin.factors import CHANNEL_OF_MEANS
from gateway.signin.journey import Step
from gateway.signin.linking.pending import pending
from gateway.signin.one_time_code.signin import CodeDead, CodeRefused, CodeSignin, ResendTooSoon
from gateway.signin.pages import RULE_REFUSED, JourneyPages
from gateway.signin.transaction import SigninTransaction

_LONGEST_WAIT = 900
_BETWEEN_DIGITS = re.compile(r"[\s.\-\u2010-\u2015]+")


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
            undelivered=codes.undelivered(txn),
            valid_until=codes.valid_until(txn),
            tiles=journey_pages.tiles(txn) if waiting is None else [],
            others=[channel for channel in codes.channels(txn) if channel != txn.code_channel],
            key_name=key_name(txn.account_id or ""),
            trust_days=trust_days if waiting is None and txn.shared is None else 0,
            linking=waiting.kind.value if waiting is not None else None,
            another_factor=any(one not in CHANNEL_OF_MEANS for one in journey_pages.journey.second_factors(txn)),
        )

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
                device_label=journey_pages.device_label(hint) if trusted else "",
            )
        except (CodeRefused, CodeDead) as refusal:
            return form_page(txn, status=RULE_REFUSED, error=shell.refusal_text(refusal, hint))
        return journey_pages.after_factor(txn, device)

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
