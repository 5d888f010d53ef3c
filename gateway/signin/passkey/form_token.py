"""What the form tokens of the pages with a passkey are made for."""

ACTIVATION_TOKEN = "passkey:activation"
ENROLMENT_TOKEN = "passkey:new"
"""Of whatever page makes a passkey for the session's account."""


def form_purpose(handle: str) -> str:
    """Of a sign-in's page."""
    return f"passkey:{handle}"
