"""The client certificate that a proxy hands on (RFC 9440): believed from a proxy that proves itself, from nobody else (WEB-08).

The proxy ends the TLS connection, asks for the certificate without verifying its issuer, removes these headers from what came,
and writes them itself with a secret of its own. Without that secret, or from another address, they are dropped here, whatever
they say: an application that wrote them would otherwise be whoever it likes.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping, MutableMapping, Sequence

from gateway.web.request_facts import is_among, networks

CERTIFICATE, CHAIN, SECRET = "client-cert", "client-cert-chain", "client-cert-secret"
CERTIFICATE_HEADERS = frozenset({CERTIFICATE, CHAIN, SECRET})
_MAX_CHAIN = 5


class MalformedCertificateHeader(ValueError):  # noqa: N818 -- a refusal of the request
    """Not a structured field of octets (RFC 8941 §3.3.5)."""


class CertificateProxy:
    """`names`: the proxies' addresses or networks; `secret`: what they write in `Client-Cert-Secret`."""

    def __init__(self, names: Sequence[str], secret: str) -> None:
        if len(secret) < 32:
            raise ValueError("the secret of the proxy has 32 characters at least")
        self._networks = networks(names)
        self._secret = secret.encode()

    def speaks(self, remote: str, headers: Mapping[str, str]) -> bool:
        """Whether one of ours wrote these headers; `remote` is the TCP peer."""
        presented = headers.get(SECRET, "").encode("latin-1", "replace")
        return hmac.compare_digest(presented, self._secret) and is_among(remote, self._networks)


def keep_believed(headers: MutableMapping[str, str], remote: str, proxy: CertificateProxy | None) -> None:
    """Drops the headers of a certificate that no proxy of ours wrote, and its secret always."""
    if CERTIFICATE not in headers and CHAIN not in headers and SECRET not in headers:
        return
    believed = proxy is not None and proxy.speaks(remote, headers)
    for name in CERTIFICATE_HEADERS if not believed else (SECRET,):
        headers.pop(name, None)


def read_certificate_fields(certificate: str, chain: str) -> tuple[bytes, tuple[bytes, ...]]:
    """The certificate and what came with it, in DER. Raises MalformedCertificateHeader."""
    between = [item.strip() for item in chain.split(",") if item.strip()]
    if len(between) > _MAX_CHAIN:
        raise MalformedCertificateHeader("too many certificates")
    return _octets(certificate.strip()), tuple(_octets(item) for item in between)


def _octets(written: str) -> bytes:
    if len(written) < 3 or written[0] != ":" or written[-1] != ":":
        raise MalformedCertificateHeader("not between colons")
    try:
        return base64.b64decode(written[1:-1], validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedCertificateHeader("not base64") from error
