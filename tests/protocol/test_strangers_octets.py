"""Whatever strangers write where the provider reads it: never a server error, a hang, another header or another place, and a
refusal is the same the second time (WEB-04, OID-15; fuzzed on the real stores and the real journey)."""

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, quote_from_bytes, urlencode, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from gateway.applications.web_address import check_web_address
from gateway.keys.client_certificate import CertificateAuthorities
from gateway.keys.public_key import UnusableKeyError, read_public_jwk
from gateway.oidc.grants.token_exchange import NAME as EXCHANGE
from gateway.oidc.presented_request import PUSHED
from gateway.oidc.redirect_uri import is_registered, with_answer
from gateway.randomness import system_randomness
from gateway.signin.evidence import Means
from gateway.storage.ephemeral import open_ephemeral
from gateway.web.machine_door import MachineResponse
from gateway.web.security_headers import form_target
from tests.protocol import hostile, proofs, signed_requests
from tests.protocol.hostile import BOUNDED, HALF, in_time, octets, texts
from tests.protocol.provider import CALLBACK, Provider, basic, json_of, parameters, secret_of
from tests.protocol.test_client_certificates import BY_NAME, OWN, SELF_SIGNED
from tests.protocol.test_token_exchange import ACCESS_TOKEN, NOTIF
from tests.protocol.test_with_the_real_journey import Whole

SERVICE = {"grant_type": "client_credentials"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    folder = tmp_path_factory.mktemp("strangers")
    store = open_ephemeral(f"sqlite:///{folder / 'ephemeral.db'}", system_randomness)
    made = Whole(store)
    made.provider.authorities = CertificateAuthorities([proofs.authority()])
    made.provider.assemble(made.gate, made.journey)
    proofs.register(made.provider, proofs.SIGNING, BY_NAME, SELF_SIGNED)
    yield made
    store.close()


@pytest.fixture(scope="module")
def provider(whole: Whole) -> Provider:
    """With somebody signed in."""
    whole.ask()
    assert "code=" in whole.walk(Means.PASSWORD, Means.EMAIL_CODE).headers["Location"]
    whole.provider.ephemeral.sessions["real"] = whole.session()  # so that nobody is signed in beside the real journey
    return whole.provider


def judge_page(response: TestResponse, *ours: str) -> None:
    """A page of ours, the sign-in pages, or a registered address."""
    assert response.status_code in {200, 303, 400}, response.get_data(as_text=True)
    assert "X-Injected" not in response.headers
    assert "no-store" in response.headers["Cache-Control"]
    if (location := response.headers.get("Location")) is not None:
        assert response.status_code == 303
        assert len(response.headers.getlist("Location")) == 1
        assert not any(ord(character) < 33 or ord(character) > 126 for character in location)
        assert location.startswith(("/signin/", *ours)), location


def judge(answer: MachineResponse, *successes: int) -> None:
    said = f"{answer.status} {answer.body!r}"
    assert answer.status in {400, 401, *successes}, said
    assert all("\r" not in value and "\n" not in value for value in answer.headers.values()), said
    assert answer.headers["Cache-Control"] == "no-store", said
    if answer.status >= 400 and answer.body != b"{}":
        assert json_of(answer)["error"], said


def twice(send: Any, *successes: int) -> MachineResponse:
    """The first answer; a refusal is the same the second time."""
    with in_time():
        first: MachineResponse = send()
    judge(first, *successes)
    if first.status >= 400:
        again: MachineResponse = send()
        assert (again.status, again.body) == (first.status, first.body)
    return first


# ── authorization requests ──

NAMES = (
    *parameters(), "response_mode", "prompt", "max_age", "acr_values", "claims", "ui_locales", "login_hint", "id_token_hint",
    "structure", "resource", "dpop_jkt", "display", "registration", "request", "request_uri", "\0", "é",
)  # fmt: skip
changed = st.lists(st.tuples(st.sampled_from(NAMES), octets), min_size=1, max_size=3)


def query(*pairs: tuple[str, bytes]) -> str:
    """The good request with these parameters instead."""
    kept = {name: value.encode() for name, value in parameters().items()} | dict(pairs)
    return "&".join(f"{quote_from_bytes(name.encode())}={quote_from_bytes(value)}" for name, value in kept.items())


@BOUNDED
@given(pairs=changed, by=st.sampled_from(["GET", "POST"]))
@example(pairs=[("claims", b'{"id_token":{"sub":{"value":"\\ud800"}}}')], by="GET")
@example(pairs=[("claims", b'{"userinfo":{"\\udfff":null}}')], by="GET")
@example(pairs=[("claims", b'{"id_token":{"\\ud800":null}}'), ("prompt", b"login")], by="GET")
def test_no_parameter_breaks_an_authorization_request(provider, pairs, by):
    written = query(*pairs)
    with in_time():
        if by == "GET":
            response = provider.browser.get("/authorize", environ_overrides={"QUERY_STRING": written})
        else:
            response = provider.browser.post("/authorize", data=written, content_type=proofs.FORM)
    judge_page(response, f"{CALLBACK}?", *(["/authorize?"] if by == "POST" else []))


@BOUNDED
@given(claims=hostile.written({"id_token": {"acr": {"essential": True, "values": ["x"]}}, "userinfo": {"email": None}}))
def test_no_claims_parameter_breaks_an_authorization_request(provider, claims):
    response = provider.browser.get("/authorize", environ_overrides={"QUERY_STRING": query(("claims", claims))})
    judge_page(response, f"{CALLBACK}?")


@BOUNDED
@given(pairs=changed)
@example(pairs=[("claims", b'{"id_token":{"\\ud800":null}}')])
def test_what_is_accepted_when_it_is_pushed_is_followed_when_it_is_used(provider, pairs):
    headers = {"content_type": proofs.FORM, "authorization": basic("orientation", secret_of("orientation"))}
    pushed = twice(lambda: provider.machine("POST", "/par", body=query(*pairs).encode(), **headers), 201)
    if pushed.status == 201:
        named = urlencode({"client_id": "orientation", "request_uri": json_of(pushed)["request_uri"]})
        judge_page(provider.browser.get(f"/authorize?{named}"), f"{CALLBACK}?")


@BOUNDED
@given(text=texts)
@example(text="")
@example(text="٣" + "A" * 43)
def test_no_request_uri_breaks_an_authorization_request(provider, text):
    named = {"client_id": "orientation", "redirect_uri": CALLBACK, "request_uri": PUSHED + text}
    judge_page(provider.browser.get(f"/authorize?{urlencode(named, errors='surrogatepass')}"), f"{CALLBACK}?")


@BOUNDED
@given(
    payload=hostile.written(
        {"iss": "signant", "aud": "https://portail.example", "exp": proofs.NOW + 300, "nbf": proofs.NOW}
        | parameters(client_id="signant", redirect_uri=signed_requests.CALLBACK),
        ("resource", "claims", "max_age", "prompt", "iat", "sub", "jti", "request", "state"),
    ),
    pushed=st.booleans(),
)
@example(payload=b'{"iss":"signant","client_id":"signant","resource":[' + b'"",' * 3000 + b'""]}', pushed=True)
def test_no_signed_request_object_breaks_an_authorization_request(provider, payload, pushed):
    signed = signed_requests.signed(payload)
    if pushed:
        twice(lambda: provider.form("/par", client_id="signant", request=signed) , 201)  # fmt: skip
    else:
        fields = {"client_id": "signant", "redirect_uri": signed_requests.CALLBACK, "request": signed}
        with in_time():
            response = provider.browser.get(f"/authorize?{urlencode(fields)}")
        judge_page(response, "https://signant.example/")


@BOUNDED
@given(written=hostile.damaged(CALLBACK))
def test_an_address_that_is_not_the_registered_one_to_the_letter_is_never_followed(provider, written):
    response = provider.browser.get(
        f"/authorize?{urlencode(parameters(redirect_uri=written, prompt='none'), errors='surrogatepass')}"
    )
    judge_page(response, f"{CALLBACK}?")
    assert (response.status_code == 303) == (written == CALLBACK) == is_registered(written, [CALLBACK])


ADDRESS = st.one_of(
    hostile.damaged("https://orientation.example/callback?lang=fr"),
    st.from_regex(r"\Ahttps://[a-z.\-_!$&'()*+,;=%:\[\]0-9]{1,12}(:[0-9]{1,5})?/[a-z/?&=.%0-9]{0,15}\Z"),
)


@BOUNDED
@given(written=ADDRESS)
@example(written="https://my_application.example/callback")
@example(written="https://a%41.example/")
@example(written="https://a.example/?code=mine")
@example(written="https://a.example/?lang=fr&state=mine")
@example(written="https://a.example/?%63ode=mine")
def test_an_address_that_a_file_may_declare_can_be_answered_and_posted_to(written):
    try:
        check_web_address(written, loopback_http=False)
    except ValueError:
        return
    target = form_target(written)
    answered = with_answer(written, {"code": "c", "state": 'é &="#', "iss": "https://portail.example"})
    assert answered.startswith(written)
    assert f"{urlsplit(answered).scheme}://{urlsplit(answered).netloc}" == target
    told = parse_qsl(urlsplit(answered).query, keep_blank_values=True)
    assert [value for name, value in told if name == "code"] == ["c"]
    assert [value for name, value in told if name == "state"] == ['é &="#']
    assert urlsplit(answered).fragment == ""


@BOUNDED
@given(cookie=st.one_of(octets, octets.map(lambda raw: b"__Host-session=" + raw + b"; __Host-browser=" + raw)))
def test_no_cookie_breaks_the_pages_of_the_provider(provider, cookie):
    browser = provider.browser.application.test_client(use_cookies=False)
    kept = cookie.replace(b"\n", b" ").replace(b"\r", b" ").decode("latin-1")
    for path in (f"/authorize?{urlencode(parameters())}", "/logout", "/authorize/resume/0" + "A" * 43):
        with in_time():
            response = browser.get(path, environ_overrides={"HTTP_COOKIE": kept})
        judge_page(response, f"{CALLBACK}?")


@BOUNDED
@given(
    pairs=st.lists(
        st.tuples(
            st.sampled_from(
                ["id_token_hint", "client_id", "post_logout_redirect_uri", "state", "form_token", "ui_locales"]
            ),
            octets,
        ),
        max_size=4,
    ),
    by=st.sampled_from(["GET", "POST"]),
)
def test_no_logout_request_breaks_or_leads_elsewhere(provider, pairs, by):
    written = "&".join(f"{name}={quote_from_bytes(value)}" for name, value in pairs)
    browser = provider.browser.application.test_client()
    if by == "GET":
        response = browser.get("/logout", environ_overrides={"QUERY_STRING": written})
    else:
        response = browser.post("/logout", data=written, content_type=proofs.FORM)
    if response.status_code != 403:
        judge_page(response, "/logout", "https://orientation.example/bye")


# ── who asks ──


@BOUNDED
@given(
    header=st.one_of(
        octets.map(lambda raw: "Basic " + base64.b64encode(raw).decode()),
        octets.map(lambda raw: "Basic " + base64.b64encode(b"service:" + raw).decode()),
        octets.map(lambda raw: b"Basic " + raw).map(lambda raw: raw.decode("latin-1")),
        octets.map(lambda raw: raw.decode("latin-1")),
        hostile.damaged(basic("service", secret_of("service"))).map(
            lambda text: text.encode("utf-8", "surrogatepass").decode("latin-1")
        ),
    )
)
def test_no_authorization_header_breaks_an_endpoint(provider, header):
    body = urlencode({**SERVICE, "token": "x"}).encode()
    for path in ("/token", "/revoke", "/introspect", "/par", "/userinfo"):
        twice(
            lambda path=path: provider.machine("POST", path, body=body, content_type=proofs.FORM, authorization=header),
            200,
        )


ASSERTED = {
    "iss": "signataire", "sub": "signataire", "aud": "https://portail.example", "iat": proofs.NOW, "exp": proofs.NOW + 60,
    "jti": "fuzzed",
}  # fmt: skip


@BOUNDED
@given(claims=hostile.written(ASSERTED, ("nbf", "extra")))
@example(claims=json.dumps({**ASSERTED, "exp": 10**400, "iat": proofs.NOW + 0.5}).encode())
@example(claims=json.dumps({**ASSERTED, "exp": proofs.NOW + 0.5, "iat": -(10**400)}).encode())
@example(claims=json.dumps({**ASSERTED, "jti": HALF}).encode())
def test_no_assertion_that_a_client_signs_breaks_the_token_endpoint(provider, claims):
    signed = proofs.signed({"alg": "ES256", "kid": "ES256-first"}, claims, proofs.key())
    fields = {**SERVICE, "client_assertion_type": proofs.ASSERTION_TYPE, "client_assertion": signed}
    first = twice(lambda: proofs.post(provider, "/token", **fields), 200)
    if first.status == 200:
        assert proofs.post(provider, "/token", **fields).status == 401


@BOUNDED
@given(header=hostile.written({"alg": "ES256", "kid": "ES256-first", "typ": "JWT"}, ("crit", "jwk", "b64", "zip")))
def test_no_header_of_an_assertion_breaks_the_token_endpoint(provider, header):
    _, payload, signature = proofs.assertion().split(".")
    written = f"{proofs.encoded(header)}.{payload}.{signature}"
    fields = {**SERVICE, "client_assertion_type": proofs.ASSERTION_TYPE, "client_assertion": written}
    assert twice(lambda: proofs.post(provider, "/token", **fields)).status == 401


CERTIFICATE = base64.b64decode(proofs.field(OWN)[1:-1])


@BOUNDED
@given(
    shown=st.one_of(
        texts,
        octets.map(lambda raw: f":{base64.b64encode(raw).decode()}:"),
        st.tuples(st.integers(0, len(CERTIFICATE) - 1), st.binary(max_size=6)).map(
            lambda cut: (
                f":{base64.b64encode(CERTIFICATE[: cut[0]] + cut[1] + CERTIFICATE[cut[0] + len(cut[1]) :]).decode()}:"
            )
        ),
    ),
    chain=st.one_of(texts, st.just(proofs.field(OWN)), st.just(",".join([proofs.field(OWN)] * 9))),
    client_id=st.sampled_from(["nomme", "soi", "inconnu"]),
)
def test_no_certificate_header_breaks_the_token_endpoint(provider, shown, chain, client_id):
    headers = {"client_cert": shown, "client_cert_chain": chain}
    twice(lambda: proofs.post(provider, "/token", headers=headers, **SERVICE, client_id=client_id), 200)


# ── proofs and tokens ──

PROVEN = {"htm": "POST", "htu": "https://portail.example/token", "iat": proofs.NOW, "jti": "fuzzed", "nonce": ""}


def dpop(provider: Provider, written: str, path: str = "/token") -> MachineResponse:
    headers = {"dpop": written, "authorization": basic("service", secret_of("service")), "content_type": proofs.FORM}
    if path == "/userinfo":
        headers["authorization"] = f"DPoP {provider.begin('orientation')['access_token']}"
    return provider.machine("POST", path, body=urlencode(SERVICE).encode() if path == "/token" else b"", **headers)


@BOUNDED
@given(data=st.data())
def test_no_dpop_proof_that_its_sender_signs_breaks_an_endpoint(provider, data):
    good = {**PROVEN, "nonce": provider.nonce()}
    claims = data.draw(hostile.written(good, ("ath",)))
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": proofs.public()}
    written = proofs.signed(header, claims, proofs.key())
    first = twice(lambda: dpop(provider, written), 200)
    if first.status == 200:
        assert dpop(provider, written).status == 400
    judge(dpop(provider, written, "/userinfo"))


@BOUNDED
@given(
    jwk=st.one_of(
        hostile.written(proofs.public()),
        hostile.written(proofs.public("PS256")),
        hostile.written(proofs.public("EdDSA")),
    ),
    algorithm=st.sampled_from(["ES256", "PS256", "EdDSA", "none", "HS256", "RS256"]),
)
def test_no_key_in_a_dpop_proof_breaks_an_endpoint(provider, jwk, algorithm):
    header = b'{"typ":"dpop+jwt","alg":"%s","jwk":%s}' % (algorithm.encode(), jwk)
    claims = proofs.encoded(json.dumps({**PROVEN, "nonce": provider.nonce()}).encode())
    assert twice(lambda: dpop(provider, f"{proofs.encoded(header)}.{claims}.{'A' * 86}")).status == 400


@BOUNDED
@given(data=st.data())
def test_no_damaged_token_is_taken_or_breaks_an_endpoint(provider, data):
    tokens = provider.begin("durable")
    for kind in ("access_token", "id_token", "refresh_token"):
        written = data.draw(hostile.damaged(tokens[kind]))
        if written == tokens[kind]:
            continue
        latin = written.encode("utf-8", "surrogatepass").decode("latin-1")
        body = {"token": latin}
        assert provider.machine("GET", "/userinfo", authorization=f"Bearer {latin}").status in {400, 401}
        told = twice(lambda body=body: provider.form("/introspect", client_id="durable", **body), 200)
        assert told.body in {
            b'{"active":false}',
            b'{"error":"invalid_request","error_description":"token is missing."}',
        }
        twice(lambda body=body: provider.form("/revoke", client_id="durable", **body), 200)
        twice(
            lambda latin=latin: provider.form(
                "/token", client_id="durable", grant_type="refresh_token", refresh_token=latin
            )
        )
        provider.browser.get(f"/authorize?{urlencode(parameters(id_token_hint=latin))}")
    assert provider.userinfo(tokens["access_token"]).status == 200


EXCHANGED = (
    "subject_token", "subject_token_type", "requested_token_type", "actor_token", "actor_token_type", "audience", "resource",
    "scope", "structure",
)  # fmt: skip


@BOUNDED
@given(changes=st.dictionaries(st.sampled_from(EXCHANGED), octets, min_size=1, max_size=3))
def test_no_parameter_breaks_a_token_exchange(provider, changes):
    token = provider.begin("facade", scope="openid ror")["access_token"]
    good = {"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": ACCESS_TOKEN, "audience": NOTIF}
    fields = {name: value.encode() for name, value in good.items()} | changes
    body = "&".join(f"{name}={quote_from_bytes(value)}" for name, value in fields.items()).encode()
    headers = {"content_type": proofs.FORM, "authorization": basic("relais", secret_of("relais"))}
    twice(lambda: provider.machine("POST", "/token", body=body, **headers), 200)


@BOUNDED
@given(
    grant=st.sampled_from(["authorization_code", "refresh_token", "client_credentials", EXCHANGE, "x"]),
    changes=st.dictionaries(
        st.sampled_from(["code", "redirect_uri", "code_verifier", "refresh_token", "scope", "resource", "token"]),
        octets,
    ),
)
def test_no_parameter_breaks_a_form_of_a_client(provider, grant, changes):
    written = "&".join(f"{name}={quote_from_bytes(value)}" for name, value in changes.items())
    body = f"grant_type={grant}&{written}".encode()
    for client_id in ("durable", "service", "relais"):
        headers = {"content_type": proofs.FORM, "authorization": basic(client_id, secret_of(client_id))}
        for path in ("/token", "/introspect", "/revoke"):
            twice(lambda path=path, headers=headers: provider.machine("POST", path, body=body, **headers), 200)


@BOUNDED
@given(body=octets, kind=st.sampled_from([proofs.FORM, "application/json", "multipart/form-data; boundary=x", "", "é"]))
def test_no_body_breaks_an_endpoint(provider, body, kind):
    for path in ("/token", "/introspect", "/revoke", "/par", "/userinfo"):
        twice(lambda path=path: provider.machine("POST", path, body=body, content_type=kind), 200)


def test_a_key_whose_exponent_makes_verifying_slow_is_refused_before_it_is_used(provider):
    """Anybody may send a key in a proof: its exponent is at most 64 bits, or one header would cost a core."""
    members = {**proofs.public("PS256"), "e": proofs.encoded(b"\x80" + b"\1" * 254)}
    with pytest.raises(UnusableKeyError, match="exponent"):
        read_public_jwk(members)
    header = {"typ": "dpop+jwt", "alg": "PS256", "jwk": members}
    claims = json.dumps({**PROVEN, "nonce": provider.nonce()}).encode()
    forged = ".".join(proofs.encoded(part) for part in (json.dumps(header).encode(), claims, b"\0" + b"s" * 255))
    assert json_of(dpop(provider, forged))["error"] == "invalid_dpop_proof"


def test_a_digest_is_not_taken_for_what_it_is_made_of(provider):
    """What a store would show is of no use at the doors."""
    token = provider.begin("durable")["refresh_token"]
    shown = hashlib.sha256(token.encode()).hexdigest()
    assert provider.form("/introspect", client_id="durable", token=shown).body == b'{"active":false}'
