"""Door (a): the token endpoint as a WSGI callable without any framework; any other path goes to Flask in the same threads."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tests.bench.doors import endpoint, flask_pages, stores

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_sign = endpoint.signer_from_environment()
_store = stores.sync_store()
_PHRASES = {200: "200 OK", 400: "400 Bad Request", 401: "401 Unauthorized"}


def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    if environ["PATH_INFO"] != "/token":
        return flask_pages.app(environ, start_response)
    status = 200
    try:
        form = endpoint.parse_form(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
        issued = endpoint.prepare(form, _sign)
        _store.remember(issued)
        body = endpoint.success(issued, form.get("scope", ""))
    except endpoint.Refusal as refusal:
        status, body = refusal.status, endpoint.failure(refusal)
    start_response(_PHRASES[status], [*endpoint.JSON_HEADERS, ("Content-Length", str(len(body)))])
    return [body]
