"""The verification helpers against an issuer that lies in one thing at a time: each lie is refused, and by its own check alone.

A lie is tried twice: with the helper as it is, and with the checks that are said to refuse it taken out, when it passes.
"""

import base64
import contextlib
import hashlib
import hmac
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from tests.connect.judges import Judge, PythonJudge, Request, Verdict, node_judge
from tests.connect.lying_issuer import LyingIssuer, lying_issuer
from tests.interoperability.on_openid_client import NodeMissingError

NOW = 1_800_000_000.0
API = "https://api.example"
STRANGER = ECKey.generate_key("P-256")
CERTIFICATE = b"the DER form of a certificate"
PROOF_KEYS: dict[str, ECKey | OKPKey | RSAKey] = {
    "ES256": ECKey.generate_key("P-256"),
    "EdDSA": OKPKey.generate_key("Ed25519"),
    "PS256": RSAKey.generate_key(2048),
}
PSC = "urn:passerelle:acr:psc"
BEARER, DPOP = "Bearer", 'DPoP algs="ES256 PS256 EdDSA"'


@pytest.fixture(scope="module")
def issuer() -> Iterator[LyingIssuer]:
    with lying_issuer() as started:
        yield started


@pytest.fixture(scope="module", params=["python", "node"])
def helper(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    folder = tmp_path_factory.mktemp("helper")
    if request.param == "python":
        yield PythonJudge(folder)
        return
    with contextlib.ExitStack() as stack:
        try:
            judge = stack.enter_context(node_judge(folder))
        except NodeMissingError as missing:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(str(missing))
        yield judge


@dataclass(frozen=True)
class Call:
    """A request to the API, honest until something of it is replaced. `proof` None: a bearer token."""

    issuer: LyingIssuer
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    key: Any = None
    proof: dict[str, Any] | None = None
    proof_header: dict[str, Any] = field(default_factory=dict)
    proof_algorithm: str = "ES256"
    proof_key: Any = None
    scheme: str | None = None
    at: float = NOW
    demands: tuple[tuple[Any, ...], ...] = ()
    certificate: bytes | None = None

    def token(self) -> str:
        claims: dict[str, Any] = {
            "iss": self.issuer.issuer,
            "sub": "5b0c2f0e-7a51-4a8e-9f0d-3f1f6f0f0a01",
            "aud": API,
            "client_id": "orientation",
            "iat": int(NOW),
            "exp": int(NOW) + 300,
            "jti": "grant.token",
            "scope": "openid ror",
            "acr": "urn:passerelle:acr:pwd-otp-mail",
            "auth_time": int(NOW) - 600,
            "roles": ["msph.notif"],
            "entitlements": ["notif.declare"],
            "structure": {"id": "fineg:990000001"},
            "structures": [{"id": "fineg:990000001", "roles": ["msph.notif"], "end": "2028-03-01"}],
            "structures_total": 1,
            "structures_truncated": False,
        }
        if self.proof is not None:
            claims["cnf"] = {"jkt": PROOF_KEYS[self.proof_algorithm].thumbprint()}
        claims = {name: value for name, value in {**claims, **self.claims}.items() if value is not None}
        return self.issuer.sign(claims, key=self.key, **self.header)

    def request(self) -> Request:
        token = self.token()
        scheme = self.scheme or ("Bearer" if self.proof is None else "DPoP")
        headers = {"Authorization": f"{scheme} {token}"}
        if self.proof is not None:
            headers["dpop"] = self._proof(token)
        return Request(self.at, headers, demands=self.demands, certificate=self.certificate)

    def _proof(self, token: str) -> str:
        key = PROOF_KEYS[self.proof_algorithm]
        header = {
            "typ": "dpop+jwt",
            "alg": self.proof_algorithm,
            "jwk": key.as_dict(private=False),
            **self.proof_header,
        }
        claims: dict[str, Any] = {
            "htm": "GET",
            "htu": "https://api.example/dossiers",
            "iat": NOW,
            "jti": os.urandom(8).hex(),
            "ath": sha256(token.encode()),
            **(self.proof or {}),
        }
        return signed(header, claims, self.proof_key or key)


def sha256(octets: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(octets).digest()).rstrip(b"=").decode()


class _WideRegistry(jws.JWSRegistry):
    max_header_length = 4096

    def get_alg(self, name: str) -> Any:
        return self.algorithms[name]


def signed(header: dict[str, Any], claims: dict[str, Any], key: Any) -> str:
    registry = _WideRegistry(strict_check_header=False)
    return jws.serialize_compact(header, json.dumps(claims), key, registry=registry)


LIES: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    # What is changed, and the checks that refuse it.
    "an ID token": (("typ_is_access_token",), {"header": {"typ": "JWT"}}),
    "a logout token": (("typ_is_access_token",), {"header": {"typ": "logout+jwt"}}),
    "no typ": (("typ_is_access_token",), {"header": {"typ": None}}),
    "an algorithm that is not listed": (("algorithm_is_on_the_list",), {"header": {"kid": "rsa", "alg": "RS256"}}),
    "a critical extension": (
        ("nothing_unknown_is_critical", "signature_is_right"), {"header": {"crit": ["b64"], "b64": True}},
    ),
    "a key that is not published": (
        ("key_is_published", "signature_is_right"), {"header": {"kid": "nobody"}, "key": STRANGER},
    ),
    "no kid": (("key_is_published", "signature_is_right"), {"header": {"kid": None}, "key": STRANGER}),
    "a key of its own inside": (
        ("key_is_published", "signature_is_right"),
        {"header": {"kid": None, "jwk": STRANGER.as_dict(private=False)}, "key": STRANGER},
    ),
    "a path for a kid": (
        ("key_is_published", "signature_is_right"), {"header": {"kid": "../../etc/passwd"}, "key": STRANGER},
    ),
    "a kid that every object has": (
        ("key_is_published", "signature_is_right"), {"header": {"kid": "__proto__"}, "key": STRANGER},
    ),
    "an address of keys inside": (
        ("signature_is_right",),
        {"header": {"jku": "https://autre.example/jwks", "x5u": "https://autre.example/c"}, "key": STRANGER},
    ),
    "somebody else's signature": (("signature_is_right",), {"key": STRANGER}),
    "another issuer": (("issuer_is_the_gateway",), {"claims": {"iss": "https://autre.example"}}),
    "an issuer that looks alike": (("issuer_is_the_gateway",), {"claims": {"iss": "http://127.0.0.1\u200b"}}),
    "no issuer": (("issuer_is_the_gateway",), {"claims": {"iss": None}}),
    "another audience": (("audience_is_this_api",), {"claims": {"aud": "https://autre.example"}}),
    "audiences without ours": (("audience_is_this_api",), {"claims": {"aud": ["https://autre.example", "x"]}}),
    "no audience": (("audience_is_this_api",), {"claims": {"aud": None}}),
    "expired": (("token_has_not_expired",), {"at": NOW + 330}),
    "no expiry": (("token_has_not_expired",), {"claims": {"exp": None}}),
    "an expiry in words": (("token_has_not_expired",), {"claims": {"exp": "never"}}),
    "not before later": (("token_has_begun",), {"claims": {"nbf": int(NOW) + 31}}),
    "issued tomorrow": (("token_is_not_of_tomorrow",), {"claims": {"iat": int(NOW) + 31}}),
    "no issue time": (("token_is_not_of_tomorrow",), {"claims": {"iat": None}}),
    "no subject": (("names_are_there",), {"claims": {"sub": None}}),
    "no client": (("names_are_there",), {"claims": {"client_id": None}}),
    "no jti": (("names_are_there",), {"claims": {"jti": ""}}),
    "bound in an unknown manner": (("binding_is_known",), {"claims": {"cnf": {"jku": "https://x.example"}}}),
    "bound, and presented as a bearer token": (
        ("binding_is_known", "proof_comes_with_it"), {"claims": {"cnf": {"jkt": STRANGER.thumbprint()}}},
    ),
    "not bound, and presented with a proof": (
        ("binding_is_known", "proof_comes_with_it"), {"proof": {}, "claims": {"cnf": None}},
    ),
    "no certificate": (("certificate_is_the_tokens",), {"claims": {"cnf": {"x5t#S256": sha256(CERTIFICATE)}}}),
    "another certificate": (
        ("certificate_is_the_tokens",),
        {"claims": {"cnf": {"x5t#S256": sha256(CERTIFICATE)}}, "certificate": b"another certificate"},
    ),
    "a proof of another kind": (("proof_is_a_proof",), {"proof": {}, "proof_header": {"typ": "JWT"}}),
    "a proof signed by somebody else": (("proof_is_signed_by_its_key",), {"proof": {}, "proof_key": STRANGER}),
    "a proof with a private key inside": (
        ("proof_is_signed_by_its_key", "proof_is_of_the_tokens_key"),
        {"proof": {}, "proof_header": {"jwk": PROOF_KEYS["ES256"].as_dict(private=True)}},
    ),
    "a proof by an algorithm that is not listed": (
        ("proof_has_a_listed_algorithm", "proof_is_of_the_tokens_key"),
        {
            "proof": {},
            "proof_key": (P384 := ECKey.generate_key("P-384")),
            "proof_header": {"alg": "ES384", "jwk": P384.as_dict(private=False)},
        },
    ),
    "a proof of another method": (("proof_is_of_this_method",), {"proof": {"htm": "POST"}}),
    "a proof of another address": (("proof_is_of_this_address",), {"proof": {"htu": "https://api.example/autre"}}),
    "a proof of another host": (("proof_is_of_this_address",), {"proof": {"htu": "https://autre.example/dossiers"}}),
    "an old proof": (("proof_is_of_now",), {"proof": {"iat": NOW - 120}}),
    "a proof of later": (("proof_is_of_now",), {"proof": {"iat": NOW + 31}}),
    "a proof of another token": (("proof_is_of_this_token",), {"proof": {"ath": sha256(b"autre")}}),
    "a proof without the token's hash": (("proof_is_of_this_token",), {"proof": {"ath": None}}),
    "a proof of another key": (
        ("proof_is_of_the_tokens_key",), {"proof": {}, "claims": {"cnf": {"jkt": STRANGER.thumbprint()}}},
    ),
    "a proof without a name": (("proof_is_used_once",), {"proof": {"jti": ""}}),
}  # fmt: skip


def verdict(helper: Judge, call: Call, *, without: tuple[str, ...] = ()) -> Verdict:
    helper.begins(call.issuer.issuer, API, without=without)
    return helper.judge(call.request())


@pytest.mark.spec("TOK-03", "TOK-04", "TOK-09", "OID-08", "AC-096")
@pytest.mark.parametrize("lie", list(LIES), ids=[name.replace(" ", "-") for name in LIES])
def test_each_lie_is_refused_by_its_own_check(helper: Judge, issuer: LyingIssuer, lie: str) -> None:
    checks, changes = LIES[lie]
    call = Call(issuer, **changes)
    refused = verdict(helper, call)
    assert (refused.status, refused.error) in {(401, "invalid_token"), (401, "invalid_dpop_proof")}
    scheme = BEARER if call.proof is None else "DPoP"
    assert refused.headers["WWW-Authenticate"].startswith(f'{scheme} error="{refused.error}"')
    assert verdict(helper, call, without=checks).status == 200, "nothing else should have refused it"


@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "EdDSA"])
def test_a_bound_token_comes_with_its_proof_once(helper: Judge, issuer: LyingIssuer, algorithm: str) -> None:
    request = Call(issuer, proof={}, proof_algorithm=algorithm).request()
    helper.begins(issuer.issuer, API)
    assert helper.judge(request).status == 200
    again = helper.judge(request)
    assert (again.status, again.error) == (401, "invalid_dpop_proof")
    assert again.headers["WWW-Authenticate"] == 'DPoP error="invalid_dpop_proof", algs="ES256 PS256 EdDSA"'
    helper.begins(issuer.issuer, API, without=["proof_is_used_once"])
    assert [helper.judge(request).status for _ in range(2)] == [200, 200]


@pytest.mark.parametrize(
    ("named", "typed", "same"),
    [
        ("/structures/fineg%3A990000010", "/structures/fineg:990000010", True),  # encodeURIComponent, and Flask
        ("/unit%c3%a9s/%7Ea%20b", "/unités/~a%20b", True),
        ("/a", "/a/", False),
        ("/a%2Fb", "/a/b", False),
        ("/a%3Fb", "/a?b", False),
        (":no-port/a", ":no-port/b", False),
        ("/%ff", "/%fe", False),
        ("/%zz", "/%yy", False),
    ],
)
def test_an_address_is_the_same_however_its_characters_are_escaped(
    helper: Judge, issuer: LyingIssuer, named: str, typed: str, *, same: bool
) -> None:
    """RFC 9449 §4.3, RFC 3986 §6.2.2: the frameworks of APIs do not keep what was typed."""
    request = Call(issuer, proof={"htu": f"https://api.example{named}"}).request()
    helper.begins(issuer.issuer, API)
    assert helper.judge(replace(request, url=f"https://api.example{typed}")).status == (200 if same else 401)


def test_a_proof_that_is_missing_is_asked_for(helper: Judge, issuer: LyingIssuer) -> None:
    request = Call(issuer, proof={}).request()
    helper.begins(issuer.issuer, API)
    alone = replace(request, headers={"Authorization": request.headers["Authorization"]})
    assert helper.judge(alone).error == "invalid_dpop_proof"


@pytest.mark.parametrize(
    "jwk",
    [{"kty": "OKP", "crv": "of nobody", "x": "AA"}, {"kty": "EC", "crv": "of nobody", "x": "AA", "y": "AA"}],
    ids=["OKP", "EC"],
)  # fmt: skip
def test_a_proof_by_a_key_of_an_unknown_curve_is_refused(
    helper: Judge, issuer: LyingIssuer, jwk: dict[str, str]
) -> None:
    refused = verdict(helper, Call(issuer, proof={}, proof_header={"jwk": jwk}))
    assert (refused.status, refused.error) == (401, "invalid_dpop_proof")


def test_a_token_bound_to_a_certificate_passes_with_it(helper: Judge, issuer: LyingIssuer) -> None:
    bound = Call(issuer, claims={"cnf": {"x5t#S256": sha256(CERTIFICATE)}}, certificate=CERTIFICATE)
    assert verdict(helper, bound).status == 200


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        pytest.param({}, NOW + 329, id="just-expired"),
        pytest.param({"nbf": int(NOW) + 30}, NOW, id="about-to-begin"),
        pytest.param({"iat": int(NOW) + 30}, NOW, id="a-clock-ahead"),
        pytest.param({"aud": ["https://autre.example", API]}, NOW, id="one-of-several-audiences"),
    ],
)
def test_clocks_may_differ_by_thirty_seconds(
    helper: Judge, issuer: LyingIssuer, changes: dict[str, Any], at: float
) -> None:
    accepted = verdict(helper, Call(issuer, claims=changes, at=at))
    assert accepted.status == 200
    assert accepted.claims["sub"] == "5b0c2f0e-7a51-4a8e-9f0d-3f1f6f0f0a01"


@pytest.mark.parametrize(
    "token", ["", "a.b", "a.b.c.d", "é.é.é", "x" * 20_000, "W10.W10.AA", "e30.e30.AA"],
    ids=["nothing", "two-parts", "four-parts", "not-ascii", "too-long", "no-object", "empty-objects"],
)  # fmt: skip
def test_what_is_no_token_is_refused(helper: Judge, issuer: LyingIssuer, token: str) -> None:
    helper.begins(issuer.issuer, API)
    assert helper.judge(Request(NOW, {"Authorization": f"Bearer {token}"})).error == "invalid_token"


@pytest.mark.spec("TOK-09")
@pytest.mark.parametrize("inside", [False, True], ids=["a-claim", "a-member-of-a-claim"])
def test_a_claim_written_twice_is_refused_though_well_signed(
    helper: Judge, issuer: LyingIssuer, *, inside: bool
) -> None:
    helper.begins(issuer.issuer, API)
    header, payload, _ = Call(issuer).token().split(".")
    assert header
    claims = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode()
    written, twice = ('{"id": "fineg', '{"\\u0069d": "x", "id": "fineg') if inside else ('{"iss"', '{"sub": "x", "iss"')
    assert written in claims
    for said, status in ((claims, 200), (claims.replace(written, twice, 1), 401)):
        token = issuer.sign_text(said)
        assert helper.judge(Request(NOW, {"Authorization": f"Bearer {token}"})).status == status


@pytest.mark.spec("TOK-09")
def test_a_public_key_is_no_shared_secret(helper: Judge, issuer: LyingIssuer) -> None:
    """RFC 8725 §2.1: HMAC with the octets of the published key, and no signature at all."""
    helper.begins(issuer.issuer, API)
    payload = Call(issuer).token().split(".")[1]
    for algorithm in ("HS256", "none"):
        header = _segment({"alg": algorithm, "typ": "at+jwt", "kid": "first"})
        secret = issuer.keys["first"].as_pem(private=False)
        mac = hmac.new(secret, f"{header}.{payload}".encode(), hashlib.sha256).digest()
        signature = base64.urlsafe_b64encode(mac).rstrip(b"=").decode() if algorithm == "HS256" else ""
        refused = helper.judge(Request(NOW, {"Authorization": f"Bearer {header}.{payload}.{signature}"}))
        assert refused.error == "invalid_token"


def _segment(members: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(members).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic eDp5"}], ids=["nothing", "basic"])
def test_without_a_token_both_kinds_are_offered(helper: Judge, issuer: LyingIssuer, headers: dict[str, str]) -> None:
    helper.begins(issuer.issuer, API)
    refused = helper.judge(Request(NOW, headers))
    assert refused.status == 401
    assert refused.headers["WWW-Authenticate"] == f"{BEARER}, {DPOP}"


# ── keys ──


def test_a_new_key_is_fetched_when_a_token_names_it_and_a_withdrawn_one_is_forgotten(helper: Judge) -> None:
    with lying_issuer() as issuer:
        helper.begins(issuer.issuer, API)
        first = Call(issuer, claims={"exp": int(NOW) + 9000})
        assert helper.judge(first.request()).status == 200
        issuer.keys["second"] = ECKey.generate_key("P-256")
        second = replace(first, header={"kid": "second"}, at=NOW + 31)
        assert helper.judge(second.request()).status == 200
        assert helper.judge(replace(first, at=NOW + 32).request()).status == 200
        assert issuer.asked == 2
        withdrawn = replace(first, at=NOW + 700).request()
        del issuer.keys["first"]
        helper.judge(replace(second, at=NOW + 700).request())  # the known key serves while the keys are fetched
        _until(lambda: helper.judge(withdrawn).error == "invalid_token")
        assert helper.judge(replace(second, at=NOW + 701).request()).status == 200
        assert issuer.asked == 3


def test_invented_key_names_cost_one_fetch_in_thirty_seconds(helper: Judge) -> None:
    with lying_issuer() as issuer:
        helper.begins(issuer.issuer, API)
        for number in range(20):
            call = Call(issuer, header={"kid": f"invented-{number}"}, key=STRANGER, at=NOW + number)
            assert helper.judge(call.request()).error == "invalid_token"
        assert issuer.asked == 1
        helper.judge(Call(issuer, header={"kid": "invented"}, key=STRANGER, at=NOW + 30).request())
        assert issuer.asked == 2


@pytest.mark.parametrize("babbles", [False, True], ids=["refuses", "babbles"])
def test_known_keys_serve_for_a_day_while_the_gateway_is_silent_then_it_is_said_without_a_challenge(
    helper: Judge, *, babbles: bool
) -> None:
    with lying_issuer() as issuer:
        helper.begins(issuer.issuer, API)
        call = Call(issuer, claims={"exp": int(NOW) + 900_000})
        assert helper.judge(call.request()).status == 200
        issuer.answers, issuer.babbles = False, babbles
        assert helper.judge(replace(call, at=NOW + 86_400).request()).status == 200
        silent = helper.judge(replace(call, at=NOW + 86_500).request())
        assert (silent.status, silent.error) == (503, "temporarily_unavailable")
        assert "WWW-Authenticate" not in silent.headers
        assert silent.headers["Retry-After"] == "30"
        issuer.answers, issuer.babbles = True, False
        _until(lambda: helper.judge(replace(call, at=NOW + 86_600).request()).status == 200)


def test_a_configuration_that_names_another_issuer_is_not_believed(helper: Judge) -> None:
    with lying_issuer() as issuer:
        issuer.says_issuer = "https://autre.example"
        helper.begins(issuer.issuer, API)
        assert helper.judge(Call(issuer).request()).status == 503


def _until(so: Callable[[], bool]) -> None:
    assert any(so() for _ in range(200))


# ── what a route demands ──


def demanded(helper: Judge, issuer: LyingIssuer, *demand: Any, **claims: Any) -> Verdict:
    return verdict(helper, Call(issuer, claims=claims, demands=(demand,)))


def test_scopes_roles_and_rights_are_demanded(helper: Judge, issuer: LyingIssuer) -> None:
    assert demanded(helper, issuer, "demand_scopes", "openid", "ror").status == 200
    missing = demanded(helper, issuer, "demand_scopes", "ror", "rpps")
    assert (missing.status, missing.error) == (403, "insufficient_scope")
    assert missing.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="ror rpps"'
    for demand, held in (("demand_roles", "msph.notif"), ("demand_entitlements", "notif.declare")):
        assert demanded(helper, issuer, demand, held).status == 200
        refused = demanded(helper, issuer, demand, held, "autre")
        assert (refused.status, refused.error) == (403, "insufficient_rights")
        assert "WWW-Authenticate" not in refused.headers, "another token would not say otherwise"
    assert demanded(helper, issuer, "demand_roles", "msph.notif", roles="msph.notif").status == 403, "a text is no list"


def test_a_service_is_nobody(helper: Judge, issuer: LyingIssuer) -> None:
    assert demanded(helper, issuer, "demand_person").status == 200
    assert demanded(helper, issuer, "demand_person", sub="orientation").error == "person_wanted"


def test_the_active_structure_is_checked(helper: Judge, issuer: LyingIssuer) -> None:
    assert demanded(helper, issuer, "demand_structure", "fineg:990000001").status == 200
    assert demanded(helper, issuer, "demand_structure", "fineg:990000002").error == "wrong_structure"
    assert demanded(helper, issuer, "demand_structure", "fineg:990000001", structure=None).error == "wrong_structure"


def test_a_capped_list_says_where_the_rest_is(helper: Judge, issuer: LyingIssuer) -> None:
    elsewhere = f"{issuer.issuer}/v1/me/habilitations"
    assert demanded(helper, issuer, "roles_in", "fineg:990000001").gave == ["msph.notif"]
    assert demanded(helper, issuer, "roles_in", "fineg:990000002").gave == []
    capped = demanded(helper, issuer, "roles_in", "fineg:990000002", structures_truncated=True)
    assert (capped.status, capped.error, capped.address) == (403, "rights_not_in_token", elsewhere)
    none: dict[str, Any] = {"roles_overflow": True, "structures": None, "roles": None, "entitlements": None}
    for demand in ("roles_in", "demand_roles", "demand_entitlements"):
        assert demanded(helper, issuer, demand, "x", **none).address == elsewhere


def test_a_stronger_or_fresher_proof_is_asked_for_in_words_that_clients_understand(
    helper: Judge, issuer: LyingIssuer
) -> None:
    assert demanded(helper, issuer, "demand_level", "urn:passerelle:acr:pwd-otp-mail").status == 200
    weak = demanded(helper, issuer, "demand_level", "urn:passerelle:acr:passkey")
    assert (weak.status, weak.error) == (401, "insufficient_user_authentication")
    assert weak.headers["WWW-Authenticate"] == (
        'Bearer error="insufficient_user_authentication", '
        'acr_values="urn:passerelle:acr:passkey urn:passerelle:acr:card urn:passerelle:acr:psc"'
    )
    assert demanded(helper, issuer, "demand_level", "urn:passerelle:acr:card", acr=PSC).status == 200, "of one rank"
    assert demanded(helper, issuer, "demand_level", "urn:passerelle:acr:pwd", acr="autre").status == 401
    assert demanded(helper, issuer, "demand_recent", 600).status == 200
    old = demanded(helper, issuer, "demand_recent", 599)
    assert old.headers["WWW-Authenticate"] == 'Bearer error="insufficient_user_authentication", max_age=599'
    assert demanded(helper, issuer, "demand_recent", 600, auth_time=None).status == 401
