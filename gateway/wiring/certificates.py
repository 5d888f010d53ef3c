"""Applications' TLS certificates: which proxy hands them on, and which authorities may vouch for them (RFC 8705, WEB-08).

Refuses to start when an application shows a certificate that nobody here would ever see or believe.
"""

from collections.abc import Sequence

from gateway.applications.client import BY_CERTIFICATE, Client, ClientAuthenticationMethod, SenderConstraint
from gateway.keys.client_certificate import CertificateAuthorities, UnusableCertificateError
from gateway.settings import ConfigurationError, Settings
from gateway.web.certificate_header import CertificateProxy
from gateway.wiring.secret_file import secret_in


def certificate_proxy(settings: Settings) -> CertificateProxy | None:
    """Raises ConfigurationError."""
    declared = settings.client_certificates
    if declared is None:
        return None
    try:
        return CertificateProxy(declared.proxies, secret_in(declared.secret_file))
    except ValueError as error:
        raise ConfigurationError(f"client_certificates.secret_file: {error}") from None


def certificate_authorities(settings: Settings, clients: Sequence[Client]) -> CertificateAuthorities | None:
    """Raises ConfigurationError."""
    declared = settings.client_certificates
    for client in clients:
        bound = client.sender_constraint is SenderConstraint.MTLS
        if declared is None and (bound or client.authentication_method in BY_CERTIFICATE):
            raise ConfigurationError(
                f"client_certificates: {client.client_id} shows a TLS certificate; say which proxy hands it on"
            )
        by_authority = client.authentication_method is ClientAuthenticationMethod.TLS_CLIENT_AUTH
        if by_authority and (declared is None or declared.authorities_file is None):
            raise ConfigurationError(
                f"client_certificates.authorities_file: {client.client_id} is known by its certificate's name; name the"
                " authorities that may vouch for it"
            )
    if declared is None or declared.authorities_file is None:
        return None
    try:
        return CertificateAuthorities.load(declared.authorities_file)
    except (OSError, UnusableCertificateError) as error:
        raise ConfigurationError(f"client_certificates.authorities_file: {error}") from None
