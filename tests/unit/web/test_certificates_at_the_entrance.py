"""From the settings to what an endpoint sees of a client certificate (WEB-08), and what refuses to start."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.app import Application
from gateway.applications.client import ClientAuthenticationMethod, SenderConstraint
from gateway.randomness import system_randomness
from gateway.settings import ClientCertificates, ConfigurationError, Settings, Smtp
from gateway.web.machine_door import MachineRequest, MachineResponse
from gateway.wiring.certificates import certificate_authorities, certificate_proxy
from tests.protocol.proofs import SIGNING, authority

SECRET = "s" * 40


def settings(declared: ClientCertificates | None) -> Settings:
    smtp = Smtp(host="smtp.example.test", sender="passerelle@example.test")
    return Settings(issuer="https://passerelle.example.test", smtp=smtp, client_certificates=declared)


@pytest.fixture
def declared(tmp_path: Path) -> ClientCertificates:
    (tmp_path / "secret").write_text(f"{SECRET}\n", "utf-8")
    (tmp_path / "authorities.pem").write_bytes(authority().public_bytes(Encoding.PEM))
    return ClientCertificates(
        proxies=("10.0.0.0/24",), secret_file=tmp_path / "secret", authorities_file=tmp_path / "authorities.pem"
    )


async def echo(request: MachineRequest) -> MachineResponse:
    return MachineResponse(200, json.dumps(dict(request.headers)).encode())


def seen(made: Settings, remote: str, *headers: tuple[bytes, bytes]) -> Any:
    """The headers that the endpoint sees; the error when the entrance refuses."""

    def pages(*_: Any) -> Any:
        raise AssertionError

    app = Application(
        machine={"/token": {"POST": echo}},
        pages=lambda: pages,
        randomness=system_randomness,
        hsts=False,
        certificate_proxy=certificate_proxy(made),
    )
    scope = {
        "type": "http", "method": "POST", "path": "/token", "query_string": b"", "headers": list(headers),
        "client": (remote, 5000),
    }  # fmt: skip
    answered: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        answered.append(message)

    asyncio.run(app(scope, receive, send))
    return json.loads(answered[1]["body"])


CERT, KEY = (b"client-cert", b":AAAA:"), (b"client-cert-secret", SECRET.encode())


@pytest.mark.spec("WEB-08")
def test_only_the_declared_proxy_with_its_secret_hands_certificates_on(declared: ClientCertificates) -> None:
    made = settings(declared)
    assert seen(made, "10.0.0.5", CERT, KEY) == {"client-cert": ":AAAA:"}
    assert seen(made, "10.0.0.5", CERT) == {}
    assert seen(made, "192.0.2.7", CERT, KEY) == {}
    assert seen(settings(None), "10.0.0.5", CERT, KEY) == {}
    assert seen(made, "10.0.0.5", (b"client_cert", b":AAAA:"), KEY) == {"client_cert": ":AAAA:"}


@pytest.mark.spec("WEB-08", "OID-08")
@pytest.mark.parametrize("name", [b"client-cert", b"client-cert-chain", b"client-cert-secret", b"dpop"])
def test_a_proof_that_comes_twice_is_refused(declared: ClientCertificates, name: bytes) -> None:
    answer = seen(settings(declared), "10.0.0.5", KEY, (name, b"x"), (name, b"x"))
    assert answer["error"] == "invalid_request"


@pytest.mark.spec("OID-05")
def test_a_client_whose_certificate_nobody_would_see_or_believe_refuses_to_start(declared: ClientCertificates) -> None:
    named = replace(SIGNING, authentication_method=ClientAuthenticationMethod.TLS_CLIENT_AUTH)
    bound = replace(SIGNING, sender_constraint=SenderConstraint.MTLS)
    without = declared.model_copy(update={"authorities_file": None})
    assert certificate_authorities(settings(None), [SIGNING]) is None
    assert certificate_authorities(settings(without), [bound]) is None
    assert certificate_authorities(settings(declared), [named]) is not None
    for clients in ([named], [bound]):
        with pytest.raises(ConfigurationError, match="client_certificates: signataire shows a TLS certificate"):
            certificate_authorities(settings(None), clients)
    with pytest.raises(ConfigurationError, match="authorities_file: signataire is known by its certificate's name"):
        certificate_authorities(settings(without), [named])


def test_files_that_cannot_serve_are_named(declared: ClientCertificates) -> None:
    assert declared.authorities_file is not None
    declared.authorities_file.write_text("nothing", "utf-8")
    with pytest.raises(ConfigurationError, match=r"client_certificates\.authorities_file"):
        certificate_authorities(settings(declared), [])
    declared.secret_file.write_text("short", "utf-8")
    with pytest.raises(ConfigurationError, match=r"client_certificates\.secret_file"):
        certificate_proxy(settings(declared))
    with pytest.raises(ValueError, match="write addresses or networks"):
        ClientCertificates(proxies=("proxy.example",), secret_file=declared.secret_file)
