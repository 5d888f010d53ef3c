"""The negative cases of the provider, endpoint by endpoint and parameter by parameter: what is said when it is wrong.

Each line has a good value, a wrong one (of another type, or meaningless), and what is said when the parameter is missing,
empty, there twice, too long, wrong. `ok`: the request succeeds as without it; `page`: a page of ours and no redirect;
`entrance`: refused before any endpoint (HTTP headers); `-`: cannot be. `test_negative_cases` runs every cell, and knows which
parameters and headers the code reads: one without a line fails. FATES names, for whatever somebody holds, the tests of the one
of another client, and of the expired, the replayed, the raced one.
"""

from dataclasses import dataclass

KINDS = ("missing", "empty", "duplicated", "too_long", "wrong")
TOO_LONG = "A" * 20_000


@dataclass(frozen=True)
class Line:
    good: str
    wrong: str
    missing: str
    empty: str
    duplicated: str
    too_long: str
    wrong_said: str

    def said(self, kind: str) -> str:
        return self.wrong_said if kind == "wrong" else str(getattr(self, kind))


def line(good: str, wrong: str, said: str) -> Line:
    return Line(good, wrong, *said.split())


_NO_CLIENT = "invalid_client invalid_client invalid_request invalid_client invalid_client"
_NO_OBJECT = "invalid_request_object - invalid_request_object"
_REQ, _OPT = "invalid_request invalid_request invalid_request invalid_request", "ok ok invalid_request invalid_request"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

AUTHORIZATION = {
    "client_id": line("orientation", "inconnue", "page page page page page"),
    "redirect_uri": line("https://orientation.example/callback", "javascript:alert(1)", "page page page page page"),
    "response_type": line(
        "code",
        "id_token",
        "invalid_request invalid_request invalid_request unsupported_response_type unsupported_response_type",
    ),
    "response_mode": line("query", "fragment", f"{_OPT} invalid_request"),
    "scope": line(
        "openid", "openid inconnu", "invalid_scope invalid_scope invalid_request invalid_request invalid_scope"
    ),
    "state": line("s", "\u202e", f"{_OPT} ok"),
    "nonce": line("n", "\0", f"{_OPT} ok"),
    "code_challenge": line("{challenge}", "é" * 43, f"{_REQ} invalid_request"),
    "code_challenge_method": line("S256", "plain", f"{_REQ} invalid_request"),
    "prompt": line("login", "create", f"{_OPT} invalid_request"),
    "max_age": line("60", "-1", f"{_OPT} invalid_request"),
    "acr_values": line("urn:passerelle:acr:pwd", "urn:unknown", f"{_OPT} ok"),
    "claims": line('{"id_token":{"email":null}}', '["email"]', f"{_OPT} invalid_request"),
    "ui_locales": line("fr", "../../etc", f"{_OPT} ok"),
    "display": line("page", "wap", f"{_OPT} invalid_request"),
    "login_hint": line("camille", "a\r\nb", f"{_OPT} ok"),
    "id_token_hint": line("{id_token}", "{access_token}", f"{_OPT} invalid_request"),
    "structure": line("fineg:990000001", "990000001", f"{_OPT} invalid_request"),
    "resource": line(
        "https://orientation.example/api", "https://autre.example/api", "ok ok ok invalid_request invalid_target"
    ),
    "dpop_jkt": line("J" * 43, "J" * 42, f"{_OPT} invalid_request"),
    "registration": line("-", "{}", "ok ok - registration_not_supported registration_not_supported"),
    "request": line("-", "a.b.c", "ok ok - request_not_supported request_not_supported"),
    "request_uri": line("-", "https://evil.example/r", "ok ok - request_uri_not_supported request_uri_not_supported"),
}
"""By GET and, turned into the same GET, by POST. Beside a session that would do."""

PUSHED_OTHERWISE = {
    "client_id": line(
        "orientation", "inconnue", "invalid_request invalid_request invalid_request invalid_request invalid_request"
    ),
    "redirect_uri": line("https://orientation.example/callback", "javascript:alert(1)", f"{_REQ} invalid_request"),
    "request_uri": line("-", "https://evil.example/r", "ok ok - invalid_request invalid_request"),
}
"""PAR says by JSON what the authorization endpoint says on a page."""

NATIVE = {
    "redirect_uri": line(
        "http://127.0.0.1:49152/callback", "http://localhost:49152/callback", "page page page page page"
    ),
}
"""Of an application on people's own devices, whose port alone may be another than in its file: test_native_applications."""

SIGNED_OTHERWISE = {
    "client_id": line("signant", "inconnue", f"invalid_request_object {_NO_OBJECT} invalid_request_object"),
    "redirect_uri": line("https://signant.example/cb", "javascript:alert(1)", "page page - page page"),
    "id_token_hint": line("-", "{access_token}", "ok ok - invalid_request_object invalid_request"),
    "resource": line(
        "https://signant.example/api", "https://autre.example/api", "ok ok - invalid_request_object invalid_target"
    ),
    "request": line("-", "a.b.c", f"ok {_NO_OBJECT} invalid_request_object"),
    "request_uri": line("-", "https://evil.example/r", f"ok {_NO_OBJECT} invalid_request_object"),
}  # fmt: skip
"""Inside a signed object a member cannot come twice (another test), and what is too long makes the object too long."""

_GRANT_TYPE = "invalid_request invalid_request invalid_request unsupported_grant_type unsupported_grant_type"
_RESOURCE = "ok ok ok invalid_target invalid_target"
_GRANT = "invalid_request invalid_request invalid_request invalid_grant invalid_grant"
FORMS = {
    "/token by code": {
        "grant_type": line("authorization_code", "password", _GRANT_TYPE),
        "code": line("{code}", "0" + "A" * 43, _GRANT),
        "redirect_uri": line("https://orientation.example/callback", "https://orientation.example/other", _GRANT),
        "code_verifier": line("v" * 43, "w" * 43, "invalid_grant invalid_grant invalid_request invalid_grant invalid_grant"),
        "resource": line("https://orientation.example/api", "https://autre.example/api", _RESOURCE),
    },
    "/token by refresh token": {
        "grant_type": line("refresh_token", "implicit", _GRANT_TYPE),
        "refresh_token": line("{refresh_token}", "{access_token}", _GRANT),
        "scope": line("openid", "openid inconnu", "ok ok invalid_request invalid_scope invalid_scope"),
        "resource": line("https://durable.example/api", "https://autre.example/api", _RESOURCE),
    },
    "/token for a service": {
        "grant_type": line("client_credentials", "CLIENT_CREDENTIALS", _GRANT_TYPE),
        "scope": line("stats_read", "openid", "ok ok invalid_request invalid_scope invalid_scope"),
        "resource": line("https://service.example/api", "https://autre.example/api", _RESOURCE),
    },
    "/token by exchange": {
        "grant_type": line(EXCHANGE, EXCHANGE.upper(), _GRANT_TYPE),
        "subject_token": line("{subject_token}", "{id_token}", f"{_REQ} invalid_request"),
        "subject_token_type": line(ACCESS_TOKEN, "urn:ietf:params:oauth:token-type:id_token", f"{_REQ} invalid_request"),
        "requested_token_type": line(ACCESS_TOKEN, "urn:ietf:params:oauth:token-type:refresh_token", f"{_OPT} invalid_request"),
        "actor_token": line("-", "{subject_token}", "ok ok - invalid_request invalid_request"),
        "actor_token_type": line("-", ACCESS_TOKEN, "ok ok - invalid_request invalid_request"),
        "audience": line("https://notif.example/api", "https://relais.example/api",
                         "invalid_request invalid_request ok invalid_target invalid_target"),
        "resource": line("https://notif.example/api", "https://autre.example/api", _RESOURCE),
        "scope": line("ror", "openid email", "ok ok invalid_request invalid_scope invalid_scope"),
        "structure": line("fineg:990000001", "fineg:990000009", f"{_OPT} invalid_request"),
    },
    "/introspect": {
        "token": line("{access_token}", "{id_token}", "invalid_request invalid_request invalid_request inactive inactive"),
        "token_type_hint": line("access_token", "wonder", "ok ok invalid_request ok ok"),
    },
    "/revoke": {
        "token": line("{access_token}", "{id_token}", "invalid_request invalid_request invalid_request ok ok"),
        "token_type_hint": line("access_token", "wonder", "ok ok invalid_request ok ok"),
    },
}  # fmt: skip
"""What is wrong with a token that is to be revoked leaves it alive: `ok`, as RFC 7009 §2.2 wants it."""

_HEADER = "entrance invalid_client invalid_client"
CLIENTS = {
    "secret in the header": {
        "authorization": line("{basic}", "Bearer x", f"invalid_client invalid_client {_HEADER}"),
        "client_id": line("service", "orientation", f"{_OPT} invalid_request"),
    },
    "secret in the form": {
        "client_id": line("poste", "orientation", _NO_CLIENT),
        "client_secret": line("{secret}", "wrong", _NO_CLIENT),
    },
    "assertion": {
        "client_assertion": line("{assertion}", "a.b.c", _NO_CLIENT),
        "client_assertion_type": line(ASSERTION, "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
                                      _NO_CLIENT),
        "client_id": line("signataire", "orientation", f"{_OPT} invalid_request"),
    },
    "certificate": {
        "client_id": line("nomme", "orientation", _NO_CLIENT),
        "client-cert": line("{certificate}", "certificate", f"invalid_client invalid_client {_HEADER}"),
        "client-cert-chain": line("{certificate}", ":x:", "ok ok entrance invalid_client invalid_client"),
    },
    "key": {
        "authorization": line("{basic}", "Basic x", f"invalid_client invalid_client {_HEADER}"),
        "dpop": line("{proof}", "a.b.c",
                     "invalid_dpop_proof invalid_dpop_proof entrance invalid_dpop_proof invalid_dpop_proof"),
        "content-type": line("application/x-www-form-urlencoded", "application/json",
                             "invalid_request invalid_request entrance invalid_request invalid_request"),
    },
}  # fmt: skip
"""How a client proves itself, at each endpoint that asks it: /token, /par, /revoke, /introspect. `key`: one whose file demands
DPoP."""

USERINFO = {
    "authorization": line("Bearer {access_token}", "Bearer {id_token}",
                          "challenge invalid_request entrance invalid_token invalid_token"),
    "access_token": line("-", "{access_token}", "ok invalid_request invalid_request invalid_request invalid_request"),
}  # fmt: skip
"""A DPoP proof at userinfo has its cases in test_dpop."""

LOGOUT = {
    "id_token_hint": line("{id_token}", "{access_token}", "asked asked page asked asked"),
    "client_id": line("orientation", "inconnue", "back back page page page"),
    "post_logout_redirect_uri": line(
        "https://orientation.example/bye", "https://evil.example/", "out out page page page"
    ),
    "state": line("s", "\u202e", "back back page page back"),
    "form_token": line("-", "x", "back refused - refused refused"),
}
"""`asked`: the person is asked and nothing ends; `out`: ended, on our own page; `back`: ended, and led back; `refused`: nothing
ends. Of `form_token`, by POST."""

NO_PARAMETER = ("/jwks", "/.well-known/openid-configuration")
"""Whatever is asked of these, the answer is the same."""

ELSEWHERE = {
    "/v1/session/activity": "protocol/test_session_activity.py",
    "/v1/me/habilitations": "protocol/test_habilitations.py",
    "/session-watch-1.js": "browser/test_session_watch_script.py",
}
"""Endpoints for applications that are no part of the specifications: their cases are in other modules."""

UNJUDGED = {
    "origin": "test_cors.py",
    "user-agent": "only its digest is kept, in the journal",
    "accept": "test_introspection.py",
    "accept-language": "only the language of a message",
}
"""Headers that refuse nothing, and where they are proved to refuse nothing."""

FATES: dict[str, tuple[str, str, str, str]] = {
    "code": (
        "test_token.py::test_a_code_of_one_client_is_worth_nothing_to_another_and_is_burnt",
        "test_token.py::test_a_code_lives_sixty_seconds",
        "test_token.py::test_a_code_used_twice_fails_and_silences_the_tokens_of_its_first_use",
        "test_races.py::test_of_parallel_redemptions_of_one_code_one_succeeds_and_its_token_is_revoked",
    ),
    "refresh_token": (
        "test_refresh.py::test_the_token_of_another_client_revokes_the_family",
        "test_refresh.py::test_a_token_that_is_not_used_for_half_an_hour_is_dead",
        "test_refresh.py::test_the_same_token_later_revokes_the_family_and_says_so",
        "test_refresh.py::test_fifty_parallel_refreshes_with_one_token_give_one_successor",
    ),
    "subject_token": (
        "test_token_exchange.py::test_only_the_resource_server_of_the_token_may",
        "test_token_exchange.py::test_a_token_that_hangs_on_something_dead_gives_nothing",
        "test_token_exchange.py::test_an_exchanged_token_cannot_be_exchanged_again",
        "-: nothing is spent by an exchange",
    ),
    "token": (
        "test_revocation.py::test_the_token_of_another_client_is_refused_and_lives_on",
        "test_introspection.py::test_an_access_token_is_dead_at_its_end_and_not_a_second_before",
        "test_revocation.py::test_revoking_twice_is_no_error_and_told_once",
        "test_revocation.py::test_of_refreshes_that_race_a_revocation_none_survives_it",
    ),
    "request": (
        "test_request_object.py::test_an_object_of_another_client_is_refused",
        "test_request_object.py::test_a_request_object_serves_until_its_end_and_not_at_it",
        "test_request_object.py::test_a_request_object_serves_until_its_end_and_not_at_it",
        "-: nothing is spent: by value it serves until its end, pushed it is a request_uri",
    ),
    "request_uri": (
        "test_pushed_requests.py::test_a_request_uri_is_its_clients_own_and_another_client_does_not_spend_it",
        "test_pushed_requests.py::test_a_request_uri_serves_until_its_end_and_not_at_it",
        "test_pushed_requests.py::test_a_request_uri_serves_once",
        "test_pushed_requests.py::test_of_eight_uses_at_once_one_gets_a_code",
    ),
    "client_assertion": (
        "test_private_key_jwt.py::test_another_clients_key_proves_nothing",
        "test_private_key_jwt.py::test_an_assertion_lives_to_its_last_second",
        "test_private_key_jwt.py::test_an_assertion_serves_once_whatever_it_was_for",
        "test_private_key_jwt.py::test_of_twenty_parallel_uses_of_one_assertion_one_succeeds",
    ),
    "dpop": (
        "test_dpop.py::test_the_refresh_token_of_a_public_client_is_for_one_key_and_never_again_without_it",
        "test_dpop.py::test_a_proof_that_breaks_a_rule_is_refused_and_not_remembered",
        "test_dpop.py::test_a_proof_serves_once",
        "test_dpop.py::test_of_twenty_parallel_uses_of_one_proof_one_succeeds",
    ),
    "client-cert": (
        "test_client_certificates.py::test_a_bound_token_serves_only_with_its_certificate",
        "test_client_certificates.py::test_a_certificate_of_another_name_time_or_use_is_refused",
        "-: the TLS handshake proves it anew each time",
        "-: nothing is spent",
    ),
    "client_secret": (
        "test_token.py::test_a_client_that_does_not_prove_itself_is_refused_and_challenged",
        "test_token.py::test_the_secrets_of_both_slots_work_until_one_expires",
        "-: a secret serves until it is put away",
        "-: nothing is spent",
    ),
    "id_token_hint": (
        "test_authorization.py::test_an_access_token_or_another_clients_id_token_is_no_hint",
        "test_authorization.py::test_an_expired_hint_still_names_its_person",
        "-: a hint names somebody and gives nothing",
        "-: nothing is spent",
    ),
    "access token at userinfo": (
        "test_abuse_cases.py::test_a_token_for_one_application_is_worth_nothing_to_another",
        "test_userinfo.py::test_a_token_lives_five_minutes",
        "test_dpop.py::test_a_proof_seen_on_the_way_does_not_serve_again",
        "test_on_the_real_store.py::test_a_token_dies_with_its_session",
    ),
    "resumed journey": (
        "test_authorization.py::test_a_journey_of_another_browser_gets_a_page",
        "test_authorization.py::test_an_unknown_journey_gets_a_page",
        "test_authorization.py::test_a_journey_is_resumed_once",
        "test_with_the_real_journey.py::test_the_way_back_is_taken_once",
    ),
}
"""Of another client (or browser), expired, replayed, raced."""
