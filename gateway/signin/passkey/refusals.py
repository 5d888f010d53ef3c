"""One answer for every passkey that signs nobody in; why is for the journal alone (FID-09)."""

from gateway.refusal import Refusal


class PasskeyRefused(Refusal):
    """The detail is a stable word: `challenge`, `origin`, `counter_back`…"""

    code = "passkey_refused"
    text = "passkey.refused"


class PasskeyNotAdded(Refusal):
    """Nothing was enrolled: the answer is not what was asked for."""

    code = "passkey_not_added"
    text = "passkey.not_added"


class PasskeyKnown(Refusal):
    code = "passkey_known"
    text = "passkey.known"


class PasskeyMayTravel(Refusal):
    """Of an administrator, where their passkeys must stay on one device (FID-08)."""

    code = "passkey_may_travel"
    text = "passkey.may_travel"


class TooManyPasskeys(Refusal):
    """`facts["limit"]`."""

    code = "too_many_passkeys"
    text = "passkey.too_many"


class PasskeyGone(Refusal):
    """Removed meanwhile, or not one of this account."""

    code = "passkey_gone"
    text = "passkey.gone"


class LastPasskey(Refusal):
    code = "last_passkey"
    text = "passkey.last"
