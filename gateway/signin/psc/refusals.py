"""How an answer of Pro Santé Connect can fail. Three texts for people; the reason is in `detail`, for the log alone.

A detail names a rule ("id token: nonce"), never a value: no token, code, secret or identity may travel in it (PSC-R22).
"""

from gateway.refusal import Refusal


class PscRefused(Refusal):
    """A rule was broken, whichever: one text for all."""

    code = "psc_refused"
    text = "signin.psc.refused"


class PscDeclined(Refusal):
    """The person said no, on the phone or on the page."""

    code = "psc_declined"
    text = "signin.psc.declined"


class PscUnavailable(Refusal):
    """Pro Santé Connect does not answer, or fails: nothing was proved, nothing was refused; offer another way in."""

    code = "psc_unavailable"
    text = "signin.psc.unavailable"
