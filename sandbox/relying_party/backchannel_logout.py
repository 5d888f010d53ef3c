"""POST /backchannel-logout: called by the gateway, not by a browser (Back-Channel Logout 1.0 §2.5, §2.8).

200 when the token was good, whether or not somebody was still signed in here; 400 with a code when it was not; 503 when the
gateway's keys cannot be had, so that it calls again.
"""

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from sandbox.clock import WorldClock
from sandbox.relying_party.configuration import ClientConfiguration
from sandbox.relying_party.failures import ProviderUnreachable, SignInFailed
from sandbox.relying_party.logout_token import ReceivedOnce, verify_logout_token
from sandbox.relying_party.provider import Provider
from sandbox.relying_party.sessions import Sessions


def backchannel_logout(
    client: ClientConfiguration, provider: Provider, sessions: Sessions, clock: WorldClock
) -> Blueprint:
    blueprint = Blueprint("backchannel_logout", __name__)
    received = ReceivedOnce()

    @blueprint.post("/backchannel-logout")
    def told() -> ResponseReturnValue:
        given = request.form.getlist("logout_token")
        if len(given) != 1:
            return _refused("invalid_request", "one_logout_token"), 400
        try:
            ended = verify_logout_token(
                given[0],
                key_for=provider.signing_key,
                expected_issuer=provider.issuer,
                expected_client_id=client.client_id,
                received=received,
                now=clock.now(),
            )
        except ProviderUnreachable as failure:
            return _refused("temporarily_unavailable", failure.code), 503
        except SignInFailed as failure:
            return _refused("invalid_request", failure.code), 400
        sessions.end(sid=ended.sid, sub=ended.sub)
        return "", 200

    return blueprint


def _refused(error: str, code: str) -> Response:
    return jsonify(error=error, error_description=code)
