"""Applications that prove keys: their keys and certificates, assertions, DPoP proofs, and how they post a form."""

import base64
import hashlib
import hmac
import json
import warnings
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any
from urllib.parse import urlencode

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from gateway.applications.client import Client, ClientAuthenticationMethod
from gateway.applications.client_key import ClientKey, read_client_keys
from gateway.web.machine_door import MachineResponse
from tests.protocol.provider import ISSUER, VERIFIER, Provider, client

FORM = "application/x-www-form-urlencoded"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
NOW = 1_800_000_000
_numbers = count()


class AnySize(JWSRegistry):
    """Signs whatever header a test wants."""

    max_header_length = 16_000

    def check_header(self, header: Any) -> None:
        pass


def key(algorithm: str = "ES256", name: str = "first") -> Any:
    """A key pair of this name, made once."""
    return _made(algorithm, name)


@cache
def _made(algorithm: str, name: str) -> Any:
    if algorithm == "ES256":
        return ECKey.generate_key("P-256")
    if algorithm == "EdDSA":
        return OKPKey.generate_key("Ed25519")
    return RSAKey.generate_key(2048)


def public(algorithm: str = "ES256", name: str = "first") -> dict[str, Any]:
    return dict(key(algorithm, name).as_dict(private=False))


def declared(algorithm: str = "ES256", name: str = "first") -> ClientKey:
    """As the client's file says it."""
    members = {**public(algorithm, name), "kid": f"{algorithm}-{name}", "alg": algorithm}
    return read_client_keys([members])[0]


def signed(header: dict[str, Any], claims: dict[str, Any] | bytes, private: Any) -> str:
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library finds the name EdDSA old
        algorithms = [header.get("alg", "")]
        registry = AnySize(algorithms=algorithms)
        return jws.serialize_compact(header, payload, private, algorithms=algorithms, registry=registry)


def without(given: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Changed; what is changed to ... is left out."""
    return {name: value for name, value in {**given, **changes}.items() if value is not ...}


def assertion(
    client_id: str = "signataire", *, private: Any = None, header: dict[str, Any] | None = None, **changes: Any
) -> str:
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": ISSUER,
        "iat": NOW,
        "exp": NOW + 60,
        "jti": f"assertion-{next(_numbers)}",
    }
    head = without({"alg": "ES256", "kid": "ES256-first"}, header or {})
    return signed(head, without(claims, changes), private or key())


def proof(
    path: str = "/token",
    method: str = "POST",
    *,
    nonce: Any = ...,
    token: str | None = None,
    private: Any = None,
    header: dict[str, Any] | None = None,
    **changes: Any,
) -> str:
    claims = {"htm": method, "htu": ISSUER + path, "iat": NOW, "jti": f"proof-{next(_numbers)}", "nonce": nonce}
    if token is not None:
        claims["ath"] = encoded(hashlib.sha256(token.encode()).digest())
    private = private or key()
    head = without({"typ": "dpop+jwt", "alg": "ES256", "jwk": private.as_dict(private=False)}, header or {})
    return signed(head, without(claims, changes), private)


def thumbprint(private: Any = None) -> str:
    return str((private or key()).thumbprint())


def by_hmac(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    """Signed with a secret that an attacker knows: somebody's public key."""
    head, body = (encoded(json.dumps(part).encode()) for part in ({**header, "alg": "HS256"}, claims))
    return f"{head}.{body}.{encoded(hmac.digest(secret, f'{head}.{body}'.encode(), 'sha256'))}"


def encoded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


SIGNING = client(
    "signataire",
    authentication_method=ClientAuthenticationMethod.PRIVATE_KEY_JWT,
    redirect_uris=("https://signataire.example/cb",),
    keys=(declared(), declared("ES256", "second")),
    service_scopes=frozenset({"stats_read"}),
    refresh_tokens=True,
)


def register(provider: Provider, *clients: Client) -> None:
    provider.clients.clients |= {item.client_id: item for item in clients}


def post(
    provider: Provider,
    path: str = "/token",
    *more: tuple[str, str],
    headers: dict[str, str] | None = None,
    **fields: Any,
) -> MachineResponse:
    pairs = [(name, value) for name, value in fields.items() if value is not None]
    body = urlencode([*pairs, *more]).encode()
    return provider.machine("POST", path, body=body, **{"content_type": FORM, **(headers or {})})


def asserted(client_id: str = "signataire", **changes: Any) -> dict[str, str]:
    """The form fields of a client that signs who it is."""
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion(client_id, **changes)}


def code_fields(provider: Provider, client_id: str, **changes: str | None) -> dict[str, str]:
    """The form fields of a fresh code of the signed-in person."""
    redirect_uri = provider.clients.clients[client_id].redirect_uris[0]
    code = provider.code(client_id=client_id, redirect_uri=redirect_uri, **changes)
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    return {**fields, "code_verifier": VERIFIER}


# ── certificates ──


@cache
def tls_key(name: str) -> EllipticCurvePrivateKey:
    return generate_private_key(SECP256R1())


def name_of(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Etablissement fictif"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def certificate(
    common_name: str = "signataire",
    *,
    by: str | None = "authority",
    days: tuple[int, int] = (-1, 30),
    names: tuple[x509.GeneralName, ...] = (),
    use: x509.ObjectIdentifier | None = None,
) -> x509.Certificate:
    """Of this name, by this authority (None: by itself)."""
    now = datetime.fromtimestamp(NOW, UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name_of(common_name))
        .issuer_name(name_of(by or common_name))
        .public_key(tls_key(common_name).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
    )
    if by is not None:
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(tls_key(by).public_key())
        builder = builder.add_extension(authority, critical=False)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if use is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
    return builder.sign(tls_key(by or common_name), hashes.SHA256())


@cache
def authority(name: str = "authority") -> x509.Certificate:
    now = datetime.fromtimestamp(NOW, UTC)
    public_key = tls_key(name).public_key()
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return (
        x509.CertificateBuilder()
        .subject_name(name_of(name))
        .issuer_name(name_of(name))
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=100))
        .not_valid_after(now + timedelta(days=1000))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .sign(tls_key(name), hashes.SHA256())
    )


def field(item: x509.Certificate) -> str:
    """As RFC 9440 writes it."""
    return f":{base64.b64encode(item.public_bytes(Encoding.DER)).decode()}:"


def x5t(item: x509.Certificate) -> str:
    return encoded(item.fingerprint(hashes.SHA256()))
