"""Reading a request: notes each in the journal under its endpoint's name, and refuses a form that repeats a parameter."""

from flask import Flask, Request, request

from sandbox.psc.journal import ReceivedRequest
from sandbox.psc.realm import Realm
from sandbox.psc.refusals import OAuthError


def note_requests(site: Flask, realm: Realm) -> None:
    @site.before_request
    def note() -> None:
        realm.journal.note(
            ReceivedRequest(
                place=(request.endpoint or "").replace(".", "/"),
                method=request.method,
                query=request.args.to_dict(flat=False),
                form=request.form.to_dict(flat=False),
                headers=dict(request.headers),
            )
        )


def only_form(received: Request) -> dict[str, str]:
    """The body's parameters; those of the query do not count at the back channel (RFC 6749 §3.2)."""
    form = received.form.to_dict(flat=False)
    if any(len(values) != 1 for values in form.values()):
        raise OAuthError("invalid_request", "duplicated parameter")
    return {name: values[0] for name, values in form.items()}
