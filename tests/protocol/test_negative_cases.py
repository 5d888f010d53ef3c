"""Every cell of `negative_cases`, run; and no endpoint, parameter or header that the code reads without its line there."""

import ast
import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from werkzeug.test import TestResponse

import gateway.oidc
from gateway.app import ONCE, _single_headers
from gateway.applications.client import ClientAuthenticationMethod, SenderConstraint
from gateway.keys.client_certificate import CertificateAuthorities
from gateway.oidc.authorization_request import PARAMETERS
from gateway.oidc.parameters import UnverifiedParameters
from gateway.oidc.presented_request import PUSHED
from gateway.web.machine_door import MachineRequest, MachineResponse
from tests.protocol import proofs, signed_requests
from tests.protocol.negative_cases import (
    AUTHORIZATION,
    CLIENTS,
    ELSEWHERE,
    FATES,
    FORMS,
    KINDS,
    LOGOUT,
    NATIVE,
    NO_PARAMETER,
    PUSHED_OTHERWISE,
    SIGNED_OTHERWISE,
    TOO_LONG,
    UNJUDGED,
    USERINFO,
    Line,
)
from tests.protocol.provider import (
    CHALLENGE,
    SERVICE,
    Provider,
    basic,
    client,
    json_of,
    parameters,
    secret_of,
)
from tests.protocol.test_client_certificates import BY_NAME
from tests.protocol.test_native_applications import DESKTOP

HERE = Path(__file__).parent
BY_POST = client(
    "poste",
    redirect_uris=(),
    scopes=frozenset(),
    service_scopes=frozenset({"stats_read"}),
    authentication_method=ClientAuthenticationMethod.CLIENT_SECRET_POST,
)
KEYED = replace(SERVICE, sender_constraint=SenderConstraint.DPOP)
BASE = {name: parameters()[name] for name in (
    "client_id", "redirect_uri", "response_type", "scope", "state", "code_challenge", "code_challenge_method"
)}  # fmt: skip
HEADERS = frozenset({"authorization", "dpop", "client-cert", "client-cert-chain", "content-type"})
Pairs = list[tuple[str, str]]


@pytest.fixture
def provider() -> Provider:
    made = Provider()
    made.authorities = CertificateAuthorities([proofs.authority()])
    made.assemble(made.gate, made.journey)
    proofs.register(made, proofs.SIGNING, replace(BY_NAME, service_scopes=frozenset({"stats_read"})), BY_POST)
    secret = made.secrets.of("service")[0]
    made.secrets.slots.append(replace(secret, client_id="poste"))
    return made


def filled(provider: Provider, value: str) -> str:
    """The artefact that a value in braces stands for."""
    made: Mapping[str, Callable[[], str]] = {
        "{challenge}": lambda: CHALLENGE,
        "{id_token}": lambda: provider.tokens(scope="openid")["id_token"],
        "{access_token}": lambda: provider.tokens(scope="openid")["access_token"],
        "{code}": provider.code,
        "{refresh_token}": lambda: provider.begin("durable", scope="openid")["refresh_token"],
        "{subject_token}": lambda: provider.begin("facade", scope="openid ror")["access_token"],
        "{basic}": lambda: basic("service", secret_of("service")),
        "{secret}": lambda: secret_of("service"),
        "{assertion}": proofs.assertion,
        "{certificate}": lambda: proofs.field(proofs.certificate()),
        "{proof}": lambda: proofs.proof(nonce=provider.nonce()),
    }
    for name, make in made.items():
        if name in value:
            return value.replace(name, make())
    return value


def altered(provider: Provider, good: Mapping[str, str], name: str, kind: str, line: Line) -> Pairs:
    """The good pairs, wrong in this one way."""
    pairs = [(known, value) for known, value in good.items() if known != name]
    value = good.get(name) or filled(provider, line.good if line.good != "-" else line.wrong)
    match kind:
        case "missing":
            return pairs
        case "empty":
            return [*pairs, (name, "")]
        case "duplicated":
            return [*pairs, (name, value), (name, value)]
        case "too_long":
            return [*pairs, (name, TOO_LONG)]
    return [*pairs, (name, filled(provider, line.wrong))]


def cells(lines: Mapping[str, Line]) -> Any:
    found = [(name, kind) for name, line in lines.items() for kind in KINDS if line.said(kind) != "-"]
    return pytest.mark.parametrize(("name", "kind"), found, ids=[f"{name} {kind}" for name, kind in found])


# ── the authorization request, in its four ways ──


def said_by(response: TestResponse) -> str:
    if response.status_code == 400:
        assert "Location" not in response.headers
        return "page"
    assert response.status_code == 303
    location = response.headers["Location"]
    told = dict(parse_qsl(urlsplit(location).query))
    assert location.startswith(("/signin/", f"{BASE['redirect_uri']}?", f"{signed_requests.CALLBACK}?"))
    return told.get("error", "ok")


@cells(AUTHORIZATION)
def test_an_authorization_request_that_is_wrong_in_one_way(provider, name, kind):
    pairs = altered(provider, BASE, name, kind, AUTHORIZATION[name])
    provider.sign_in()
    posted = provider.browser.post("/authorize", data=urlencode(pairs), content_type=proofs.FORM)
    query = urlsplit(posted.headers["Location"]).query
    assert parse_qsl(query, keep_blank_values=True) == pairs
    for address in (f"/authorize?{urlencode(pairs)}", f"/authorize?{query}"):
        assert said_by(provider.browser.get(address)) == AUTHORIZATION[name].said(kind)


@cells(AUTHORIZATION | PUSHED_OTHERWISE)
def test_a_pushed_request_that_is_wrong_in_one_way(provider, name, kind):
    lines = AUTHORIZATION | PUSHED_OTHERWISE
    pairs = altered(provider, BASE, name, kind, lines[name])
    kept = len(provider.ephemeral.pushed)
    answer = provider.machine(
        "POST", "/par", body=urlencode(pairs).encode(), content_type=proofs.FORM,
        authorization=basic("orientation", secret_of("orientation")),
    )  # fmt: skip
    assert said(answer) == lines[name].said(kind)
    assert (len(provider.ephemeral.pushed) > kept) == (lines[name].said(kind) == "ok")


@cells(NATIVE)
def test_a_request_of_a_native_application_that_is_wrong_in_one_way(provider, name, kind):
    proofs.register(provider, DESKTOP)
    provider.sign_in()
    base = {**BASE, "client_id": "bureau", "redirect_uri": NATIVE["redirect_uri"].good}
    pairs = altered(provider, base, name, kind, NATIVE[name])
    assert said_by(provider.browser.get(f"/authorize?{urlencode(pairs)}")) == NATIVE[name].said(kind)
    answer = provider.machine("POST", "/par", body=urlencode(pairs).encode(), content_type=proofs.FORM)
    assert said(answer) == "invalid_request"
    assert provider.browser.get(f"/authorize?{urlencode(base)}").status_code == 303


SIGNED = {name: AUTHORIZATION[name] for name in AUTHORIZATION} | SIGNED_OTHERWISE


@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name in SIGNED for kind in KINDS if kind not in {"duplicated", "too_long"}],
    ids=str,
)
def test_a_signed_request_that_is_wrong_in_one_way(provider, name, kind):
    provider.sign_in()
    good = signed_requests.members(provider, redirect_uri=signed_requests.CALLBACK)
    held = dict(altered(provider, good, name, kind, SIGNED[name]))
    written = {**good, **held}
    if name not in held:
        written.pop(name, None)
    request = signed_requests.signed(written)
    response = provider.authorize(**signed_requests.sent(request, redirect_uri=signed_requests.CALLBACK))
    assert said_by(response) == SIGNED[name].said(kind)


# ── forms of clients ──

ISSUED_TO = {
    "/token by code": "orientation",
    "/token by refresh token": "durable",
    "/token for a service": "service",
    "/token by exchange": "relais",
    "/introspect": "orientation",
    "/revoke": "orientation",
}


def said(answer: MachineResponse) -> str:
    if answer.status == 200 and answer.body == b'{"active":false}':
        return "inactive"
    assert "no-store" in answer.headers["Cache-Control"]
    return "ok" if answer.status in {200, 201} else str(json_of(answer).get("error", "challenge"))


def good_form(provider: Provider, place: str) -> dict[str, str]:
    """Without what would be asked twice, or may not be there at all."""
    lines = FORMS[place]
    left_out = {"actor_token", "actor_token_type", "token_type_hint", "resource", "structure"}
    return {name: filled(provider, line.good) for name, line in lines.items() if name not in left_out}


@pytest.mark.parametrize(
    ("place", "name", "kind"),
    [
        (place, name, kind)
        for place, lines in FORMS.items()
        for name, line in lines.items()
        for kind in KINDS
        if line.said(kind) != "-"
    ],
    ids=str,
)
def test_a_form_that_is_wrong_in_one_way(provider, place, name, kind):
    good = good_form(provider, place)
    pairs = altered(provider, good, name, kind, FORMS[place][name])
    client_id = ISSUED_TO[place]
    answer = provider.machine(
        "POST", place.partition(" ")[0], body=urlencode(pairs).encode(), content_type=proofs.FORM,
        authorization=basic(client_id, secret_of(client_id)),
    )  # fmt: skip
    assert said(answer) == FORMS[place][name].said(kind)


# ── who asks ──

ASKED = {
    "/token": {"grant_type": "client_credentials", "scope": "stats_read"},
    "/revoke": {"token": "x"},
    "/introspect": {"token": "x"},
    "/par": {"response_type": "code"},
}


def proven(provider: Provider, way: str, path: str) -> dict[str, str]:
    """The good form and headers of a client that proves itself this way."""
    shown = {name: filled(provider, line.good) for name, line in CLIENTS[way].items()}
    if "dpop" in shown:
        proofs.register(provider, KEYED)
        shown["dpop"] = proofs.proof(path, nonce=provider.nonce())
    return {**ASKED[path], **shown}


@pytest.mark.parametrize(
    ("way", "name", "kind"),
    [(way, name, kind) for way, lines in CLIENTS.items() for name in lines for kind in KINDS],
    ids=str,
)
def test_a_proof_of_a_client_that_is_wrong_in_one_way(provider, way, name, kind):
    if CLIENTS[way][name].said(kind) == "entrance":
        assert name in ONCE
        with pytest.raises(ValueError, match=name):
            _single_headers([(name.encode(), b"x"), (name.encode(), b"x")])
        return
    for path in ASKED:
        judge_proof(provider, path, way, name, kind)


def judge_proof(provider: Provider, path: str, way: str, name: str, kind: str) -> None:
    expected = CLIENTS[way][name].said(kind)
    good = proven(provider, way, path)
    pairs = altered(provider, good, name, kind, CLIENTS[way][name])
    headers = {header: value for header, value in [("content-type", proofs.FORM), *pairs] if header in HEADERS}
    if (name, kind) == ("content-type", "missing"):
        headers.pop("content-type")
    body = urlencode([pair for pair in pairs if pair[0] not in HEADERS]).encode()
    answer = provider.machine("POST", path, body=body, **headers)
    if expected == "ok":  # past the door: what is said then is about the request itself
        assert said(answer) in {"ok", "inactive", "invalid_request"}
        assert answer.status != 401
    elif path in {"/revoke", "/introspect"} and name == "dpop":
        assert said(answer) in {"ok", "inactive"}  # a client proves a key where tokens are made
    elif path == "/par" and name == "dpop":
        assert said(answer) == "invalid_request"  # the request is examined before its proof
    else:
        assert said(answer) == expected


# ── userinfo, logout, and what has no parameter ──


@pytest.mark.parametrize("method", ["GET", "POST"])
@cells(USERINFO)
def test_a_userinfo_request_that_is_wrong_in_one_way(provider, name, kind, method):
    expected = USERINFO[name].said(kind)
    if expected == "entrance":
        assert name in ONCE
        return
    good = {"authorization": filled(provider, USERINFO["authorization"].good)}
    pairs = altered(provider, good, name, kind, USERINFO[name])
    headers = dict(pair for pair in pairs if pair[0] == "authorization")
    if (name, kind) == ("authorization", "too_long"):
        headers = {"authorization": f"Bearer {TOO_LONG}"}
    written = urlencode([pair for pair in pairs if pair[0] != "authorization"]).encode()
    where = {"query": written} if method == "GET" else {"body": written, "content_type": proofs.FORM}
    answer = provider.machine(method, "/userinfo", **where, **headers)
    assert said(answer) == expected


def said_at_logout(provider: Provider, response: TestResponse) -> str:
    alive = bool(provider.ephemeral.sessions)
    if response.status_code == 303:
        assert response.headers["Location"].startswith("https://orientation.example/bye")
        return "back" if not alive else "back, alive"
    if response.status_code == 200:
        return "asked" if alive else "out"
    assert alive
    return {400: "page", 403: "refused"}[response.status_code]


@pytest.mark.parametrize(
    ("method", "name", "kind"),
    [
        (method, name, kind)
        for method in ("GET", "POST")
        for name in LOGOUT
        for kind in KINDS
        if LOGOUT[name].said(kind) != "-" and (method, name) != ("GET", "form_token")
    ],
    ids=str,
)
def test_a_logout_request_that_is_wrong_in_one_way(provider, name, kind, method):
    good = {each: filled(provider, line.good) for each, line in LOGOUT.items() if line.good != "-"}
    pairs = altered(provider, good, name, kind, LOGOUT[name])
    if method == "POST":
        response = provider.browser.post("/logout", data=urlencode(pairs), content_type=proofs.FORM)
        if response.status_code == 303 and response.headers["Location"].startswith("/logout?"):
            response = provider.browser.get(response.headers["Location"])
    else:
        response = provider.browser.get(f"/logout?{urlencode(pairs)}")
    assert said_at_logout(provider, response) == LOGOUT[name].said(kind)


@pytest.mark.parametrize("path", NO_PARAMETER)
def test_no_parameter_changes_a_public_document_and_nothing_but_reading_is_allowed(provider, path):
    good = provider.machine("GET", path)
    for query in (b"client_id=orientation", b"a=" + TOO_LONG.encode(), b"%ff", b"a=1&a=1"):
        assert provider.machine("GET", path, query=query) == good
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert provider.machine(method, path).status == 405


# ── completeness ──


class _Heard(dict[str, str]):
    """Headers that tell which of them were asked for."""

    def __init__(self, told: Mapping[str, str], asked: set[str]) -> None:
        super().__init__(told)
        self.asked = asked

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self.asked.add(str(name))
        return super().__contains__(name)


@pytest.fixture
def asked(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, set[str]]]:
    """By path, the parameters and the headers that the code asks for while the good requests of this module run."""
    known: dict[str, set[str]] = {}
    path = [""]
    read = UnverifiedParameters.__getitem__

    def noted(parameters: UnverifiedParameters, name: str) -> str:
        known.setdefault(path[0], set()).add(name)
        return read(parameters, name)

    def machine(method: str, at: str, *, body: bytes = b"", query: bytes = b"", **headers: str) -> MachineResponse:
        path[0] = at
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        heard = _Heard(told, known.setdefault(at, set()))
        request = MachineRequest(method, at, query, heard, body, "192.0.2.7", "REQ1")

        async def ask() -> MachineResponse:
            return await provider.endpoints[at](request)

        return asyncio.run(ask())

    get = provider.browser.get

    def opened(at: str) -> TestResponse:
        path[0] = at.partition("?")[0]
        return get(at)

    monkeypatch.setattr(UnverifiedParameters, "__getitem__", noted)
    monkeypatch.setattr(provider, "machine", machine)
    monkeypatch.setattr(provider.browser, "get", opened)
    provider.sign_in()
    opened(f"/authorize?{urlencode(BASE)}")
    opened(f"/authorize?{urlencode({**BASE, 'request_uri': PUSHED + 'x'})}")
    opened(f"/authorize?{urlencode(signed_requests.signed_request(provider))}".replace("=None", "="))
    opened("/logout?client_id=orientation&post_logout_redirect_uri=https://orientation.example/bye&state=s")
    provider.push()
    for place in FORMS:
        form = urlencode(good_form(provider, place)).encode()
        client_id = ISSUED_TO[place]
        shown = basic(client_id, secret_of(client_id))
        provider.machine("POST", place.partition(" ")[0], body=form, content_type=proofs.FORM, authorization=shown)
    for way in CLIENTS:
        for at in ASKED:
            good = proven(provider, way, at)
            headers = {name: value for name, value in good.items() if name in HEADERS} | {"content-type": proofs.FORM}
            form = {name: value for name, value in good.items() if name not in HEADERS}
            provider.machine("POST", at, body=urlencode(form).encode(), **headers)
    provider.userinfo(provider.tokens(scope="openid")["access_token"])
    for at in NO_PARAMETER:
        provider.machine("GET", at)
    yield known


def listed(path: str) -> set[str]:
    """What has lines, by path."""
    by_client = {name for lines in CLIENTS.values() for name in lines}
    forms = {name for place, lines in FORMS.items() if place.partition(" ")[0] == path for name in lines}
    return {
        "/authorize": set(AUTHORIZATION),
        "/par": set(AUTHORIZATION | PUSHED_OTHERWISE) | by_client,
        "/userinfo": {*USERINFO, *by_client},
        "/logout": set(LOGOUT),
    }.get(path, forms | (by_client if path not in NO_PARAMETER else set()))


def test_each_endpoint_of_the_provider_has_its_lines(provider):
    pages = {rule.rule for rule in provider.browser.application.url_map.iter_rules()}
    ours = {rule for rule in pages if rule.startswith(("/authorize", "/logout"))} | set(provider.endpoints)
    lined = {"/authorize", "/authorize/resume/<txn>", "/logout", "/userinfo", "/par", *NO_PARAMETER, *ELSEWHERE}
    lined |= {place.partition(" ")[0] for place in FORMS}
    assert ours <= lined
    for path, module in ELSEWHERE.items():
        assert path in (HERE.parent / module).read_text("utf-8"), f"{path} has no cases in {module}"


def test_each_parameter_and_header_that_an_endpoint_asks_for_has_its_line_there(asked):
    for path, names in asked.items():
        assert names - listed(path) - set(UNJUDGED) == set(), f"{path} asks for what has no line"


def _names_read() -> set[str]:
    """The string keys that the source of the provider looks up in parameters or in a request under examination."""
    found: set[str] = set()
    for module in Path(gateway.oidc.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            match node:
                case ast.Subscript(value=holder, slice=ast.Constant(value=str(name))) if _is_of_request(holder):
                    found.add(name)
                case ast.Call(
                    func=ast.Attribute(value=holder, attr="get"), args=[ast.Constant(value=str(name)), *_]
                ) if _is_of_request(holder):
                    found.add(name)
                case ast.Call(func=ast.Attribute(attr="words" | "every"), args=[ast.Constant(value=str(name))]):
                    found.add(name)
                case ast.Compare(
                    left=ast.Constant(value=str(name)), ops=[ast.In() | ast.NotIn()], comparators=[holder]
                ) if _is_of_request(holder):
                    found.add(name)
                case (
                    ast.For(target=ast.Name(id="name"), iter=ast.Tuple(elts=names))
                    | ast.comprehension(target=ast.Name(id="name"), iter=ast.Tuple(elts=names))
                ):
                    found |= {str(each.value) for each in names if isinstance(each, ast.Constant)}
                case _:
                    pass
    return found


def _is_of_request(holder: ast.expr) -> bool:
    last = holder.attr if isinstance(holder, ast.Attribute) else holder.id if isinstance(holder, ast.Name) else ""
    return last in {"parameters", "unverified", "outside", "inside", "headers"}


OF_ELSEWHERE = {"after", "limit"}
"""Parameters of the endpoints of ELSEWHERE."""
OF_TOKENS = {"nbf", "iat", "exp", "jti", "iss", "aud", "sub"}
"""Looped over in signed things, where `test_strangers_octets` and their own modules change each of them."""
ANSWERED = {"Access-Control-Allow-Origin", "WWW-Authenticate", "DPoP-Nonce"}
"""Headers of answers."""


def test_no_name_in_the_source_is_without_a_line_and_no_line_is_about_nothing():
    everywhere = set(AUTHORIZATION) | set(USERINFO) | set(LOGOUT)
    everywhere |= {name for group in (FORMS, CLIENTS) for lines in group.values() for name in lines}
    read = _names_read() | PARAMETERS
    assert len(read) > 40
    assert read - everywhere - set(UNJUDGED) - OF_ELSEWHERE - OF_TOKENS - ANSWERED - {"id_token", "userinfo"} == set()
    assert (
        everywhere - read - {"token_type_hint", "client-cert", "client-cert-chain", "access_token", "form_token"}
        == set()
    )


def test_each_thing_that_somebody_holds_has_tests_of_its_four_fates():
    held = {
        "code",
        "refresh_token",
        "subject_token",
        "token",
        "request",
        "request_uri",
        "client_assertion",
        "dpop",
        "client-cert",
    }
    assert held | {"client_secret", "id_token_hint", "access token at userinfo", "resumed journey"} == set(FATES)
    for fates in FATES.values():
        assert len(fates) == 4
        for fate in fates:
            if fate.startswith("-: "):
                assert len(fate) > 15
                continue
            module, _, name = fate.partition("::")
            source = (HERE / module).read_text("utf-8")
            assert f"def {name}(" in source, fate


def test_every_line_has_a_word_for_every_kind():
    for lines in (
        AUTHORIZATION,
        PUSHED_OTHERWISE,
        SIGNED_OTHERWISE,
        NATIVE,
        *FORMS.values(),
        *CLIENTS.values(),
        USERINFO,
        LOGOUT,
    ):
        for line in lines.values():
            assert all(line.said(kind) for kind in KINDS)
