"""What a person sees when something is refused or breaks: a sentence, an incident number, the tenant's contact, a way out.
Never a stack trace, a version or what they typed (WEB-07). The log gets the cause under the same number."""

import logging
from typing import TYPE_CHECKING

import flask
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from gateway.refusal import Refusal

if TYPE_CHECKING:
    from gateway.web.shell import Shell

_log = logging.getLogger("gateway.web")
_OWN_TEXT = frozenset({400, 403, 404, 405, 413, 429, 500, 503})


class FormRefusedError(HTTPException):
    """The form token is missing, of another browser or of another form, or the form was not on our pages."""

    code = 403


class MalformedFormError(HTTPException):
    """A field given twice, a character no keyboard types, too many fields."""

    code = 400


def _text_of(status: int) -> int:
    if status in _OWN_TEXT:
        return status
    return 400 if status < 500 else 500


def install(app: flask.Flask, shell: "Shell", unavailable: tuple[type[Exception], ...]) -> None:
    """`unavailable` are the exceptions that mean "a store does not answer": 503, try again."""

    def http_error(error: HTTPException) -> Response:
        status = error.code or 500
        if status >= 500:
            _log.error("incident %s: status %d", shell.facts().incident, status)
        page = shell.error_page(status, f"error.e{_text_of(status)}")
        if isinstance(allowed := getattr(error, "valid_methods", None), (list, tuple, set, frozenset)):
            page.headers["Allow"] = ", ".join(sorted(allowed))
        retry_after = getattr(error, "retry_after", None)
        if isinstance(retry_after, int):
            page.headers["Retry-After"] = str(retry_after)
        return page

    def refusal(error: Refusal) -> Response:
        _log.info("incident %s: refused, %s: %s", shell.facts().incident, error.code, error.detail)
        return shell.error_page(error.status, f"error.e{_text_of(error.status)}", reason=shell.refusal_text(error))

    def failure(error: Exception) -> Response:
        number = shell.facts().incident
        if isinstance(error, unavailable):
            _log.error("incident %s: unavailable, %s", number, type(error).__name__)
            page = shell.error_page(503, "error.e503")
            page.headers["Retry-After"] = "5"
            return page
        _log.error("incident %s", number, exc_info=error)
        return shell.error_page(500, "error.e500")

    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(Refusal, refusal)
    app.register_error_handler(Exception, failure)
