"""`tls_client_auth` and `self_signed_tls_client_auth`: a client is its TLS certificate (RFC 8705 §2; OID-05, WEB-08).

The connection ends at a proxy that proves itself and hands the certificate on. With an authority: one that the operator named
vouches for it, and it bears the name of the client's file. Self-signed: the file holds its thumbprint or its key.
"""

from gateway.applications.client import Client, ClientAuthenticationMethod
from gateway.keys.client_certificate import (
    CertificateAuthorities,
    ClientCertificate,
    UnusableCertificateError,
    read_client_certificate,
)
from gateway.oidc.client_keys import parsed
from gateway.oidc.sender_proofs import SenderProofs
from gateway.web.certificate_header import MalformedCertificateHeader, read_certificate_fields


class CertificateRefused(Exception):  # noqa: N818 -- the domain's word
    """The reason is for the log."""


def presented_certificate(proofs: SenderProofs, now: float) -> tuple[ClientCertificate, tuple[bytes, ...]]:
    """The certificate of the connection, in its time, and what came with it. Raises CertificateRefused."""
    if proofs.certificate is None:
        raise CertificateRefused("no certificate")
    try:
        octets, chain = read_certificate_fields(proofs.certificate, proofs.chain)
        certificate = read_client_certificate(octets)
    except (MalformedCertificateHeader, UnusableCertificateError) as error:
        raise CertificateRefused(f"certificate: {error}") from error
    if not certificate.in_time(now):
        raise CertificateRefused("certificate: not in its time")
    return certificate, chain


class ClientCertificates:
    """`authorities` None: no client of this deployment authenticates by tls_client_auth."""

    def __init__(self, authorities: CertificateAuthorities | None) -> None:
        self._authorities = authorities

    def verify(self, proofs: SenderProofs, client: Client | None, now: float) -> None:
        """That the certificate is the client's. Raises CertificateRefused. An unknown client (None) costs as much as one that
        an authority vouches for."""
        certificate, chain = presented_certificate(proofs, now)
        if (
            client is not None
            and client.authentication_method is ClientAuthenticationMethod.SELF_SIGNED_TLS_CLIENT_AUTH
        ):
            keys = {parsed(key).spki for key in client.keys}
            if certificate.thumbprint not in client.certificate_thumbprints and certificate.spki not in keys:
                raise CertificateRefused("certificate: not of the client's file")
            return
        if self._authorities is None or not self._authorities.vouch_for(certificate, chain, now):
            raise CertificateRefused("certificate: no authority vouches for it")
        kind, name = (client.certificate_name if client is not None else None) or ("", "")
        if name not in certificate.names.get(kind, ()):
            raise CertificateRefused("certificate: of another name")
