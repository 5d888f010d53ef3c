"""The provider's own errors: OAuth errors in JSON at the back channel or carried by the browser, and pages without return."""


class OAuthError(Exception):
    """RFC 6749 §4.1.2.1 and §5.2: `error`, `error_description`, and the HTTP status at the back channel."""

    def __init__(self, error: str, description: str = "", *, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status


class NoWayBack(Exception):  # noqa: N818 -- a refusal, told in a sentence
    """Nobody to send the browser back to: the message is shown on a page, with status 400."""
