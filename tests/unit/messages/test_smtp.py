"""E-mail over SMTP: TLS that is verified, headers that nobody can add to."""

import asyncio
import datetime
import ipaddress
import smtplib
import ssl
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.messages.smtp import SmtpSender

NOW = 1_800_000_000.0
WHOLE = {"subject": "Passerelle : votre code", "text": "Voici.\n\n12345678\n", "html": "<p>12345678</p>"}


class Received:
    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.encrypted: list[bool] = []
        self.logins: list[tuple[bytes, bytes]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 -- the name aiosmtpd calls
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        self.recipients.append(envelope.rcpt_tos)
        self.encrypted.append(session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None)
        return "250 OK"

    def login(self, server: Any, session: Any, envelope: Any, mechanism: str, data: LoginPassword) -> AuthResult:
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"right")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 and its key, in one file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    begins = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begins)
        .not_valid_after(begins + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    written = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file = tmp_path_factory.mktemp("mail") / "mail.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + written)
    return file


@pytest.fixture
def received() -> Received:
    return Received()


@pytest.fixture(params=["starttls", "implicit", "none"])
def tls(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def port(tls: str, received: Received, certificate: Path) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    options: dict[str, Any] = {"authenticator": received.login, "auth_require_tls": tls == "starttls"}
    if tls == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    if tls == "implicit":
        options |= {"ssl_context": context}
    loop = asyncio.new_event_loop()
    implicit = options.pop("ssl_context", None)
    server = loop.run_until_complete(
        loop.create_server(lambda: SMTP(received, loop=loop, **options), "127.0.0.1", 0, ssl=implicit)
    )
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield server.sockets[0].getsockname()[1]
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.run_until_complete(_close(server))
    loop.close()


async def _close(server: asyncio.Server) -> None:
    server.close()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for one in left:
        one.cancel()
    await asyncio.gather(*left, return_exceptions=True)


def sender(port: int, tls: str, certificate: Path | None, **changes: Any) -> SmtpSender:
    said = {"host": "127.0.0.1", "port": port, "tls": tls, "sender": "p@demo.test", "sender_name": "Passerelle"}
    return SmtpSender(**(said | {"authorities": certificate} | changes))


@pytest.mark.spec("MAIL-01")
def test_a_mail_leaves_whole_over_each_transport(port: int, tls: str, certificate: Path, received: Received) -> None:
    sender(port, tls, certificate, username="gateway", password="right").send(
        to="nadia@demo.test", now=NOW, message_id="17.abc", **WHOLE
    )
    (message,) = received.messages
    assert received.recipients == [["nadia@demo.test"]]
    assert received.encrypted == [tls != "none"]
    assert received.logins == [(b"gateway", b"right")]
    assert message["Auto-Submitted"] == "auto-generated"
    assert (message["Subject"], message["Message-ID"]) == (WHOLE["subject"], "<17.abc@demo.test>")
    assert message["Date"] == "Fri, 15 Jan 2027 08:00:00 +0000"
    assert message.get_content_type() == "multipart/alternative"
    for kind in ("plain", "html"):
        part = message.get_body((kind,))
        assert part is not None
        assert part.get_content().replace("\r\n", "\n").strip() == WHOLE["text" if kind == "plain" else "html"].strip()


@pytest.mark.parametrize("tls", ["starttls", "implicit"], indirect=True)
def test_a_server_whose_certificate_is_not_vouched_for_gets_nothing(port: int, tls: str, received: Received) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        sender(port, tls, None, username="gateway", password="right").send(
            to="a@b.test", now=NOW, message_id="1", **WHOLE
        )
    assert (received.messages, received.logins) == ([], [])


@pytest.mark.parametrize("tls", ["starttls", "implicit"], indirect=True)
def test_a_server_under_another_name_gets_nothing(port: int, tls: str, certificate: Path, received: Received) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        sender(port, tls, certificate, host="localhost").send(to="a@b.test", now=NOW, message_id="1", **WHOLE)
    assert received.messages == []


@pytest.mark.parametrize("tls", ["none"], indirect=True)
def test_a_server_that_does_not_offer_starttls_gets_nothing(port: int, certificate: Path, received: Received) -> None:
    with pytest.raises(smtplib.SMTPNotSupportedError):
        sender(port, "starttls", certificate, username="gateway", password="right").send(
            to="a@b.test", now=NOW, message_id="1", **WHOLE
        )
    assert (received.messages, received.logins) == ([], [])


@pytest.mark.parametrize("tls", ["starttls"], indirect=True)
def test_a_password_that_is_refused_is_an_error_of_transport(port: int, certificate: Path, received: Received) -> None:
    with pytest.raises(OSError):
        sender(port, "starttls", certificate, username="gateway", password="wrong").send(
            to="a@b.test", now=NOW, message_id="1", **WHOLE
        )
    assert received.messages == []


class _Kept(SmtpSender):
    """Keeps the octets that would leave."""

    def __init__(self) -> None:
        super().__init__(host="x", port=1, tls="none", sender="p@demo.test", sender_name="Passerelle")
        self.messages: list[EmailMessage] = []

    def _connection(self) -> Any:
        kept = self.messages

        class Connection:
            def __enter__(self) -> "Connection":
                return self

            def __exit__(self, *_: object) -> None:
                pass

            def send_message(self, message: EmailMessage) -> None:
                kept.append(message)

        return Connection()


HOSTILE = st.text(st.sampled_from('a@.<>",;: \r\n\t\x00\u2028é=?') | st.characters(), max_size=40)
BREAKS = ("\r\nBcc: v@evil.test", "\nBcc: v@evil.test", "\r\n\r\nbody", "\r", "\n", "\u2028Bcc: v@evil.test")


@pytest.mark.spec("MAIL-04")
@settings(max_examples=150, deadline=None)
@given(
    to=HOSTILE | st.sampled_from([f"nadia@demo.test{one}" for one in BREAKS]),
    subject=HOSTILE | st.sampled_from([f"Code{one}" for one in BREAKS]),
    message_id=st.just("1"),
)
def test_no_value_adds_a_header_or_a_recipient(to: str, subject: str, message_id: str) -> None:
    carrier = _Kept()
    try:
        carrier.send(to=to, subject=subject, text="t", html="<p>t</p>", now=NOW, message_id=message_id)
        octets = carrier.messages[0].as_bytes(policy=policy.SMTP)
    except ValueError:  # refused before anything leaves
        return
    head = octets.split(b"\r\n\r\n")[0]
    names = [line.split(b":")[0] for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))]
    assert sorted(names) == sorted(
        [b"From", b"To", b"Subject", b"Date", b"Message-ID", b"Auto-Submitted", b"MIME-Version", b"Content-Type"]
    )
    assert len(carrier.messages[0]["To"].addresses) == 1


@pytest.mark.spec("MAIL-04")
@pytest.mark.parametrize("end", BREAKS[:5], ids=["crlf", "lf", "body", "cr", "bare-lf"])
def test_a_line_break_in_an_address_or_a_subject_is_refused(end: str) -> None:
    for changes in ({"to": f"nadia@demo.test{end}"}, {"subject": f"Passerelle{end}"}):
        carrier = _Kept()
        with pytest.raises(ValueError):
            carrier.send(**{"to": "a@b.test", "now": NOW, "message_id": "1", **WHOLE, **changes})
        assert carrier.messages == []
