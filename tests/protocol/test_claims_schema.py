"""The published schema of our claims against real tokens of every kind: nothing unannounced, nothing promised that never comes.

`docs/claims/v1.json` is open for those who read it (a new member is no breaking change); here it is closed, so that a new claim
needs its line in it.
"""

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker, ValidationError

from gateway.keys.client_certificate import CertificateAuthorities
from gateway.oidc.grants.token_exchange import NAME as TOKEN_EXCHANGE
from gateway.oidc.logout_token import LOGOUT_TOKEN_TYP, logout_claims
from gateway.oidc.psc_claims import PSC_CLAIMS
from tests.protocol import test_client_certificates as certificates
from tests.protocol.proofs import SIGNING, asserted, code_fields, post, proof, register
from tests.protocol.provider import (
    ACCOUNT,
    ALL_SCOPES,
    ISSUER,
    Provider,
    claims_of,
    client,
    header_of,
    json_of,
    structure,
)

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "claims" / "v1.json").read_text("utf-8"))
ONE = "fineg:990000001"
SCOPES = ("profile", "email", "rpps", "profession", "ror", "scope_all")
EVERY_CLAIM = json.dumps(
    {
        place: dict.fromkeys(
            ("email", "email_verified", "rpps", "professions", "structures", "name", "nobody", *PSC_CLAIMS)
        )
        for place in ("id_token", "userinfo")
    }
)


def closed(part: Any) -> Any:
    if isinstance(part, dict):
        shut = {"additionalProperties": False} if "properties" in part and part.get("type") == "object" else {}
        return {**{name: closed(item) for name, item in part.items()}, **shut}
    return [closed(item) for item in part] if isinstance(part, list) else part


class Reader:
    """Validates, and remembers which members it has seen of each kind."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, str]] = set()
        shut = closed(SCHEMA)
        Draft202012Validator.check_schema(shut)
        self._kinds = {
            kind: Draft202012Validator({**shut, "$ref": f"#/$defs/{kind}"}, format_checker=FormatChecker())
            for kind in SCHEMA["$defs"]
        }

    def read(self, kind: str, said: dict[str, Any]) -> dict[str, Any]:
        self._kinds[kind].validate(said)
        self.seen |= {(kind, name) for name in said}
        return said

    def tokens(self, provider: Provider, answer: dict[str, Any], client_id: str = "orientation") -> None:
        """All that this answer of the token endpoint leads to."""
        token = answer["access_token"]
        assert header_of(answer["id_token"])["typ"] == "JWT"
        self.read("id_token", claims_of(answer["id_token"]))
        self.read("access_token", claims_of(token))
        if answer["token_type"] == "Bearer":
            self.read("userinfo", json_of(provider.userinfo(token)))
            self.introspected(provider, token, client_id)

    def introspected(self, provider: Provider, token: str, client_id: str, kind: str = "introspected_person") -> None:
        told = json_of(provider.form("/introspect", client_id=client_id, token=token))
        self.read("introspection", told)
        self.read(kind, told)


@pytest.fixture
def provider() -> Provider:
    made = Provider()
    made.clients.clients["orientation"] = client(scopes=ALL_SCOPES | {"scope_all"})
    return made


def known(provider: Provider, **changes: Any) -> None:
    provider.people.known[ACCOUNT] = replace(provider.people.known[ACCOUNT], **changes)


def everything(provider: Provider, reader: Reader) -> None:
    people = (
        {"rpps_proof": "psc"},
        {"rpps_proof": "declared"},
        {"rpps": None, "rpps_proof": None, "email": None, "profession": None},
    )
    known_first = provider.people.known[ACCOUNT]
    for changes in people:
        provider.people.known[ACCOUNT] = replace(known_first, **changes)
        for size in range(len(SCOPES) + 1):
            for scopes in itertools.combinations(SCOPES, size):
                reader.tokens(provider, provider.tokens(scope=" ".join(("openid", *scopes))))
    provider.people.known[ACCOUNT] = replace(known_first, rpps_proof="card")
    reader.tokens(provider, provider.tokens(claims=EVERY_CLAIM, nonce=None))
    for count, active in ((0, None), (2, ONE), (41, ONE), (400, ONE)):
        provider.people.structures = [structure(n, roles=("r" * 60, "s" * 60)) for n in range(1, count + 1)]
        answer = provider.tokens(structure=active)
        reader.tokens(provider, answer)
        page = provider.machine(
            "GET", "/v1/me/habilitations", query=b"limit=40", authorization=f"Bearer {answer['access_token']}"
        )
        reader.read("habilitations", json_of(page))
    provider.people.structures = [structure(1, roles=("r" * 9000,))]
    reader.tokens(provider, provider.tokens())
    provider.people.structures = [structure(1), structure(2)]


def of_other_grants(provider: Provider, reader: Reader) -> None:
    begun = provider.begin("durable", structure=ONE)
    reader.introspected(provider, begun["refresh_token"], "durable", "introspected_refresh_token")
    fields = {"grant_type": "refresh_token", "refresh_token": begun["refresh_token"]}
    reader.tokens(provider, json_of(provider.token(client_id="durable", **fields)), "durable")
    service = json_of(provider.form("/token", client_id="service", grant_type="client_credentials"))["access_token"]
    reader.read("service_token", claims_of(service))
    reader.introspected(provider, service, "service", "introspected_service")
    reader.introspected(provider, "x", "service", "introspection")
    facade = provider.begin("facade", scope="openid ror", structure=ONE)
    reader.read("access_token", claims_of(facade["access_token"]))
    for long in ("r", "r" * 9000):
        provider.people.structures = [structure(1, roles=(long,))]
        exchanged = provider.form(
            "/token",
            client_id="relais",
            grant_type=TOKEN_EXCHANGE,
            subject_token=facade["access_token"],
            subject_token_type="urn:ietf:params:oauth:token-type:access_token",
            audience="https://notif.example/api",
        )
        token = json_of(exchanged)["access_token"]
        reader.read("exchanged_token", claims_of(token))
        reader.introspected(provider, token, "notif")
    claims = logout_claims(
        issuer=ISSUER, client_id="orientation", sub=ACCOUNT, sid="s", jti="j", now=1.0, ttl_seconds=120
    )
    assert LOGOUT_TOKEN_TYP == "logout+jwt"
    reader.read("logout_token", claims)
    orientation = provider.clients.clients["orientation"]
    provider.clients.clients["orientation"] = replace(orientation, userinfo_algorithm="ES256", sector="a.example")
    known(provider, rpps_proof="psc")
    scope = " ".join(("openid", *SCOPES))
    signed = provider.userinfo(provider.tokens(scope=scope)["access_token"]).body.decode()
    reader.read("signed_userinfo", claims_of(signed))


def bound(provider: Provider, reader: Reader) -> None:
    register(provider, replace(SIGNING, may_act="relais"))
    fields = {**asserted(), **code_fields(provider, "signataire", structure=ONE)}
    answer = json_of(post(provider, headers={"dpop": proof(nonce=provider.nonce())}, **fields))
    reader.tokens(provider, answer, "signataire")
    told = json_of(post(provider, "/introspect", token=answer["access_token"], **asserted()))
    reader.read("introspected_person", told)
    fields = {**asserted(), "grant_type": "client_credentials"}
    of_service = json_of(post(provider, headers={"dpop": proof(nonce=provider.nonce())}, **fields))["access_token"]
    reader.read("service_token", claims_of(of_service))
    reader.read("introspected_service", json_of(post(provider, "/introspect", token=of_service, **asserted())))


def test_every_token_and_answer_is_as_announced_and_all_that_is_announced_comes(provider):
    reader = Reader()
    everything(provider, reader)
    of_other_grants(provider, reader)
    bound(provider, reader)
    announced = {
        (kind, name)
        for kind, part in SCHEMA["$defs"].items()
        if kind.split("_")[-1] in {"token", "userinfo", "habilitations", "person", "service"}
        for name in part.get("properties", ())
    }
    assert announced - reader.seen - {("exchanged_token", "cnf")} == set()


def test_a_certificate_is_named_as_announced(provider):
    provider.authorities = CertificateAuthorities([certificates.authority()])
    provider.assemble(provider.gate, provider.journey)
    register(provider, certificates.BY_NAME)
    token = json_of(certificates.ask(provider, certificates.certificate()))["access_token"]
    assert Reader().read("service_token", claims_of(token))["cnf"].keys() == {"x5t#S256"}


UNANNOUNCED: dict[str, dict[str, Any]] = {
    "a new member": {"new": 1},
    "a new member inside": {"structure": {"id": ONE, "name": "Foyer", "region": "11"}},
    "another type": {"roles": "one"},
    "another form": {"structure": {"id": "990000001", "name": "Foyer"}},
    "another value": {"rpps_proof": "word"},
}


@pytest.mark.parametrize("case", UNANNOUNCED)
def test_a_claim_that_nobody_announced_is_seen(provider, case):
    said = json_of(provider.userinfo(provider.tokens()["access_token"]))
    Reader().read("userinfo", said)
    with pytest.raises(ValidationError):
        Reader().read("userinfo", {**said, **UNANNOUNCED[case]})


def test_for_its_readers_the_schema_is_open():
    assert "additionalProperties" not in json.dumps(SCHEMA)
