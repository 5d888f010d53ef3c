"""The page where the browser signs a fresh challenge with the key of this trusted device. A browser that cannot (no script,
key dropped) asks for a code instead; a wrong or malformed signature leads there too."""

import base64
import binascii
import re

import flask
from werkzeug.wrappers import Response

from gateway.refusal import Refusal
from gateway.signin.device.cookie import key_name
from gateway.signin.journey import Step, TransactionGone
from gateway.signin.pages import JourneyPages
from gateway.signin.trusted_device import DeviceSignin


def raw_signature(unverified: str) -> bytes | None:
    """The 64 bytes r‖s that WebCrypto makes, or None."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{86}", unverified):
        return None
    try:
        return base64.urlsafe_b64decode(unverified + "==")
    except binascii.Error:
        return None


def pages(journey_pages: JourneyPages, devices: DeviceSignin) -> flask.Blueprint:
    blueprint = journey_pages.blueprint("device")
    shell = journey_pages.shell

    @blueprint.get("/signin/<handle>/device")
    def show(handle: str) -> Response:
        txn = journey_pages.at(handle, Step.DEVICE)
        txn, challenge = devices.challenge(txn, journey_pages.device_id(txn) or "")
        return journey_pages.page(
            "signin/device.html",
            txn,
            challenge=challenge,
            origin=shell.public_origin,
            key_name=key_name(txn.account_id or ""),
        )

    @blueprint.post("/signin/<handle>/device")
    def submit(handle: str) -> Response:
        fields = shell.form(f"device:{handle}")
        txn = journey_pages.at(handle, Step.DEVICE)
        signature = raw_signature(fields.get("signature", ""))
        if signature is None:
            return journey_pages.onward(devices.skip(txn))
        context = journey_pages.context(txn.demand.ui_locale)
        try:
            return journey_pages.onward(devices.submit(txn, journey_pages.device_id(txn) or "", signature, context))
        except TransactionGone:
            raise
        except Refusal:
            return journey_pages.onward(devices.skip(journey_pages.found(handle)))

    return blueprint
