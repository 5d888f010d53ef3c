"""Redis behind TLS, as production has it: both doors speak only to a server whose certificate and name they believe."""

import asyncio
import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.randomness import system_randomness
from gateway.storage.ephemeral import EphemeralStoreUnavailableError, open_ephemeral
from tests.redis_server import free_port, running_redis

PASSWORD = "le mot du gué"


class Authority:
    """Signs for names; its own certificate is in `file`."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._key = folder, ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.file, _ = self._signed(name, self._name, self._key, x509.BasicConstraints(ca=True, path_length=0))

    def certificate(self, name: str) -> tuple[Path, Path]:
        """The files of a certificate of this host, and of its key."""
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        return self._signed(
            f"of-{name}",
            subject,
            ec.generate_private_key(ec.SECP256R1()),
            x509.SubjectAlternativeName([x509.DNSName(name)]),
        )

    def _signed(
        self, file: str, subject: x509.Name, key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType
    ) -> tuple[Path, Path]:
        begins = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(begins + datetime.timedelta(days=1))
            .add_extension(extension, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        files = self._folder / f"{file}.pem", self._folder / f"{file}.key"
        files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
        files[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return files


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ours"), "ours")


@contextmanager
def server(folder: Path, authority: Authority, name: str, *more: str) -> Iterator[int]:
    """The port of TLS of a server whose certificate is this host's."""
    certificate, key = authority.certificate(name)
    port = free_port()
    options = ("--tls-port", str(port), "--tls-cert-file", str(certificate), "--tls-key-file", str(key))
    with running_redis(folder, *options, "--tls-ca-cert-file", str(authority.file), *more):
        yield port


async def _asked(url: str, password: str | None) -> None:
    store = open_ephemeral(url, system_randomness, password=password)
    try:
        await store.health_async()
    finally:
        await store.close_async()
        store.close()


def _spoken_to(url: str, password: str | None = None) -> tuple[bool, bool]:
    """By the people's door, and by the machine door."""
    store = open_ephemeral(url, system_randomness, password=password)
    try:
        store.health()
    except EphemeralStoreUnavailableError:
        people = False
    else:
        people = True
    finally:
        store.close()
    try:
        asyncio.run(_asked(url, password))
    except EphemeralStoreUnavailableError:
        return people, False
    return people, True


@pytest.mark.spec("CRY-06")
@pytest.mark.usefixtures("patient_stores")
def test_only_a_server_whose_certificate_and_name_are_believed_is_spoken_to(tmp_path: Path, ours: Authority) -> None:
    strange = Authority(tmp_path, "strange")
    with server(tmp_path, ours, "localhost", "--tls-auth-clients", "no") as port:
        assert _spoken_to(f"rediss://localhost:{port}/0?ssl_ca_certs={ours.file}") == (True, True)
        assert _spoken_to(f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={ours.file}") == (False, False)
        assert _spoken_to(f"rediss://localhost:{port}/0?ssl_ca_certs={strange.file}") == (False, False)
        assert _spoken_to(f"rediss://localhost:{port}/0") == (False, False)
        assert _spoken_to(f"redis://localhost:{port}/0") == (False, False)


@pytest.mark.spec("CRY-06")
@pytest.mark.usefixtures("patient_stores")
def test_a_server_that_asks_who_we_are_is_shown_our_certificate_and_told_the_password(
    tmp_path: Path, ours: Authority
) -> None:
    certificate, key = ours.certificate("gateway.example.test")
    with server(tmp_path, ours, "localhost", "--tls-auth-clients", "yes", "--requirepass", PASSWORD) as port:
        url = f"rediss://localhost:{port}/3?ssl_ca_certs={ours.file}"
        shown = f"{url}&ssl_certfile={certificate}&ssl_keyfile={key}"
        assert _spoken_to(shown, PASSWORD) == (True, True)
        assert _spoken_to(shown, "another") == (False, False)
        assert _spoken_to(url, PASSWORD) == (False, False)


@pytest.mark.usefixtures("patient_stores")
def test_a_unix_socket_serves_both_doors(tmp_path: Path) -> None:
    with running_redis(tmp_path, "--unixsocket", str(tmp_path / "r.sock")):
        assert _spoken_to(f"unix://{tmp_path}/r.sock?db=1") == (True, True)
        assert _spoken_to(f"unix://{tmp_path}/none.sock") == (False, False)
