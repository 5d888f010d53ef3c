"""Applications known by their TLS certificate, and tokens bound to it (RFC 8705; OID-05, OID-08, WEB-08).

What the entrance lets through of these headers is in tests/unit/web/test_certificate_header.py."""

from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.applications.client import ClientAuthenticationMethod, SenderConstraint
from gateway.applications.client_key import read_client_keys
from gateway.keys.client_certificate import CertificateAuthorities, declared_name
from tests.protocol.proofs import (
    SIGNING,
    asserted,
    authority,
    certificate,
    code_fields,
    encoded,
    field,
    post,
    proof,
    register,
    tls_key,
    x5t,
)
from tests.protocol.provider import Provider, claims_of, json_of

BY_NAME = replace(
    SIGNING,
    client_id="nomme",
    authentication_method=ClientAuthenticationMethod.TLS_CLIENT_AUTH,
    keys=(),
    certificate_name=("subject_dn", "CN=signataire,O=Etablissement fictif,C=FR"),
    sender_constraint=SenderConstraint.MTLS,
)
OWN = certificate("soi", by=None)
SELF_SIGNED = replace(
    BY_NAME,
    client_id="soi",
    authentication_method=ClientAuthenticationMethod.SELF_SIGNED_TLS_CLIENT_AUTH,
    certificate_name=None,
    certificate_thumbprints=frozenset({x5t(OWN)}),
)
SERVICE = {"grant_type": "client_credentials"}


@pytest.fixture
def provider() -> Provider:
    made = Provider()
    made.authorities = CertificateAuthorities([authority()])
    made.assemble(made.gate, made.journey)
    register(made, BY_NAME, SELF_SIGNED)
    return made


def ask(provider, shown, client_id="nomme", chain=(), path="/token", headers=None, **fields):
    shown = {"client_cert": field(shown)} if isinstance(shown, x509.Certificate) else {"client_cert": shown}
    headers = {**{name: value for name, value in shown.items() if value is not None}, **(headers or {})}
    if chain:
        headers["client_cert_chain"] = ", ".join(field(one) for one in chain)
    return post(provider, path, headers=headers, client_id=client_id, **{**SERVICE, **fields})


def refused(answer) -> None:
    assert (answer.status, json_of(answer)["error"]) == (401, "invalid_client")
    assert "WWW-Authenticate" not in answer.headers


@pytest.mark.spec("OID-05", "OID-08")
def test_a_certificate_of_the_right_name_by_an_authority_of_ours_proves_the_client_and_binds_its_tokens(provider):
    shown = certificate()
    answer = ask(provider, shown)
    assert answer.status == 200, answer.body
    assert json_of(answer)["token_type"] == "Bearer"
    assert claims_of(json_of(answer)["access_token"])["cnf"] == {"x5t#S256": x5t(shown)}


@pytest.mark.spec("OID-05")
@pytest.mark.parametrize(
    ("kind", "value", "name"),
    [
        ("san_dns", "api.example", x509.DNSName("api.example")),
        ("san_uri", "https://api.example/", x509.UniformResourceIdentifier("https://api.example/")),
        ("san_email", "api@exemple.example", x509.RFC822Name("api@exemple.example")),
    ],
)
def test_an_alternative_name_is_compared_with_its_own_kind_only(provider, kind, value, name):
    register(provider, replace(BY_NAME, certificate_name=(kind, value)))
    assert ask(provider, certificate(names=(name,))).status == 200
    refused(ask(provider, certificate(names=(x509.DNSName("autre.example"),))))
    refused(ask(provider, certificate()))
    other_kind = x509.UniformResourceIdentifier(value) if kind != "san_uri" else x509.DNSName(value)
    refused(ask(provider, certificate(names=(other_kind,))))


@pytest.mark.spec("OID-05")
def test_the_case_of_a_dns_name_says_nothing(provider):
    """RFC 5280 §7.2."""
    register(provider, replace(BY_NAME, certificate_name=("san_dns", declared_name("san_dns", "API.exemple.example"))))
    for written in ("api.exemple.example", "Api.Exemple.EXAMPLE"):
        assert ask(provider, certificate(names=(x509.DNSName(written),))).status == 200
    refused(ask(provider, certificate(names=(x509.DNSName("api2.exemple.example"),))))


@pytest.mark.spec("OID-05")
def test_a_certificate_that_nobody_vouches_for_is_refused(provider):
    refused(ask(provider, certificate(by="stranger")))
    refused(ask(provider, certificate(by=None)))
    refused(ask(provider, certificate(), client_id="soi"))
    refused(ask(provider, certificate(by="stranger"), chain=(authority("stranger"),)))


@pytest.mark.spec("OID-05")
def test_a_certificate_of_another_name_time_or_use_is_refused(provider):
    refused(ask(provider, certificate("signataire2")))
    refused(ask(provider, certificate(days=(-30, -1))))
    refused(ask(provider, certificate(days=(1, 30))))
    refused(ask(provider, certificate(use=ExtendedKeyUsageOID.SERVER_AUTH)))
    assert ask(provider, certificate(use=ExtendedKeyUsageOID.CLIENT_AUTH)).status == 200


@pytest.mark.spec("OID-05")
def test_no_certificate_or_an_unreadable_one_is_refused(provider):
    whole = field(certificate())
    for shown in (None, "", ":", "::", ":!!!:", ":AAAA:", whole[:-1], whole[1:], whole[:-9] + ":", "x" * 30_000, "é"):
        refused(ask(provider, shown))
    refused(ask(provider, certificate(), client_id="inconnu"))
    refused(ask(provider, certificate(), chain=(authority(),) * 6))


@pytest.mark.spec("OID-05")
def test_a_self_signed_certificate_is_the_files_thumbprint_or_key_and_no_other(provider):
    assert ask(provider, OWN, client_id="soi").status == 200
    refused(ask(provider, certificate("soi", by=None), client_id="soi"))
    numbers = tls_key("soi").public_key().public_numbers()
    jwk = {"kty": "EC", "crv": "P-256", "kid": "k", "alg": "ES256"}
    jwk |= {name: encoded(getattr(numbers, name).to_bytes(32)) for name in ("x", "y")}
    register(provider, replace(SELF_SIGNED, certificate_thumbprints=frozenset(), keys=read_client_keys([jwk])))
    assert ask(provider, certificate("soi", by=None), client_id="soi").status == 200
    refused(ask(provider, certificate("autre", by=None), client_id="soi"))
    refused(ask(provider, certificate("soi", by=None, days=(-3, -1)), client_id="soi"))


@pytest.mark.spec("OID-05")
def test_a_certificate_beside_another_method_is_refused(provider):
    assert ask(provider, certificate(), client_secret="x").status == 401
    fields = asserted("nomme")
    assert ask(provider, certificate(), **fields).status == 401
    for client_id in ("orientation", "postant"):
        refused(ask(provider, certificate(), client_id=client_id))


@pytest.mark.spec("OID-05")
def test_it_serves_at_revocation_and_introspection_too(provider):
    token = json_of(ask(provider, certificate()))["access_token"]
    said = json_of(ask(provider, certificate(), path="/introspect", token=token))
    assert (said["active"], set(said["cnf"])) == (True, {"x5t#S256"})
    assert ask(provider, certificate(), path="/revoke", token=token).status == 200
    refused(ask(provider, None, path="/introspect", token=token))


@pytest.mark.spec("OID-08", "AC-099")
def test_a_bound_token_serves_only_with_its_certificate(provider):
    shown = certificate()
    token = json_of(ask(provider, shown, **code_fields(provider, "nomme")))["access_token"]

    def read(*, scheme="Bearer", **headers):
        return provider.machine("GET", "/userinfo", authorization=f"{scheme} {token}", **headers)

    assert read(client_cert=field(shown)).status == 200
    dpop = proof("/userinfo", "GET", token=token, nonce=provider.nonce())
    for answer in (
        read(),
        read(client_cert=field(certificate())),
        read(client_cert="rubbish"),
        read(scheme="DPoP", client_cert=field(shown), dpop=dpop),
    ):
        assert (answer.status, json_of(answer)["error"]) == (401, "invalid_token")


@pytest.mark.spec("OID-08", "OID-09")
def test_a_public_client_bound_to_its_certificate_refreshes_with_it_alone(provider):
    mobile = replace(provider.clients.clients["mobile"], sender_constraint=SenderConstraint.MTLS)
    register(provider, mobile)
    shown, other = certificate("telephone", by=None), certificate("voleur", by=None)
    none = ask(provider, None, client_id="mobile", **code_fields(provider, "mobile"))
    assert (none.status, json_of(none)["error"]) == (400, "invalid_request")
    token = json_of(ask(provider, shown, client_id="mobile", **code_fields(provider, "mobile")))["refresh_token"]
    fields = {"client_id": "mobile", "grant_type": "refresh_token", "refresh_token": token}
    assert json_of(ask(provider, other, **fields))["error"] == "invalid_grant"
    assert ask(provider, shown, **fields).status == 200


@pytest.mark.spec("OID-08")
def test_a_client_bound_to_its_certificate_has_no_other_binding(provider):
    answer = ask(provider, certificate(), headers={"dpop": proof(nonce=provider.nonce())})
    assert (answer.status, json_of(answer)["error"]) == (400, "invalid_request")


@pytest.mark.spec("OID-12")
def test_discovery_follows(provider):
    found = json_of(provider.machine("GET", "/.well-known/openid-configuration"))
    methods = found["token_endpoint_auth_methods_supported"]
    assert {"tls_client_auth", "self_signed_tls_client_auth"} <= set(methods)
    assert found["tls_client_certificate_bound_access_tokens"] is True
    for client_id in ("nomme", "soi"):
        del provider.clients.clients[client_id]
    found = json_of(provider.machine("GET", "/.well-known/openid-configuration"))
    assert not [name for name in found if name.startswith("tls_")]
