"""The closed list of errors that a page may receive (cps-card.md §3.6), with their HTTP status.

A page learns a code and whether trying again makes sense; never a text of the card, a number of tries, or a name.
`card_in_use` is ours: another program holds the card, which is not the same advice as a card that was disturbed.
"""

import json
from enum import StrEnum


class Code(StrEnum):
    INVALID_REQUEST = "invalid_request"
    ORIGIN_REFUSED = "origin_refused"
    NOT_FOUND = "not_found"
    BUSY = "busy"
    RATE_LIMITED = "rate_limited"
    SERVICE_UNAVAILABLE = "service_unavailable"
    NO_READER = "no_reader"
    NO_CARD = "no_card"
    CARD_MUTE = "card_mute"
    CARD_IN_USE = "card_in_use"
    CARD_UNSUPPORTED = "card_unsupported"
    CERTIFICATE_UNSUPPORTED = "certificate_unsupported"
    PIN_WRONG = "pin_wrong"
    PIN_BLOCKED = "pin_blocked"
    USER_CANCELLED = "user_cancelled"
    USER_TIMEOUT = "user_timeout"
    CARD_REMOVED = "card_removed"
    CARD_INTERRUPTED = "card_interrupted"
    INTERNAL = "internal"


_STATUS = {
    Code.INVALID_REQUEST: 400,
    Code.ORIGIN_REFUSED: 403,
    Code.NOT_FOUND: 404,
    Code.RATE_LIMITED: 429,
    Code.INTERNAL: 500,
    Code.SERVICE_UNAVAILABLE: 503,
}
_FINAL = {
    Code.INVALID_REQUEST,
    Code.ORIGIN_REFUSED,
    Code.NOT_FOUND,
    Code.CARD_UNSUPPORTED,
    Code.CERTIFICATE_UNSUPPORTED,
    Code.PIN_BLOCKED,
    Code.INTERNAL,
}


class BridgeRefusal(Exception):  # noqa: N818 -- the domain's word
    """`detail` is for the local log: words of ours and status words of the card, nothing that was received or typed."""

    def __init__(self, code: Code, detail: str = "") -> None:
        super().__init__(code.value)
        self.code = code
        self.detail = detail

    @property
    def status(self) -> int:
        return _STATUS.get(self.code, 409)

    def body(self) -> bytes:
        return json.dumps({"error": self.code.value, "retriable": self.code not in _FINAL}).encode("ascii")
