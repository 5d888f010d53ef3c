"""What the simulated Pro Santé Connect is started with, and the refusals that come before anything listens.

Refuses every profile but `demo` and `test`, any address or redirect URI that is not loopback (so no host of the real
service either), and a personas file with a number that could be a real person's (dossier §9, S23).
"""

from dataclasses import dataclass
from pathlib import Path

from sandbox.loopback import LoopbackAddress, NotLoopback, is_loopback_url, parse_loopback_address
from sandbox.psc.conduct import KeycloakShape
from sandbox.psc.lies import Lie
from sandbox.psc.personas import PERSONAS_FILE
from sandbox.psc.quirks import Quirk

ALLOWED_PROFILES = ("demo", "test")
AUTH_METHODS = ("client_secret_basic", "client_secret_post")


class PscRefusal(Exception):  # noqa: N818 -- a refusal, told in a sentence
    """The simulator does not start; the message is one sentence for the person who started it."""


@dataclass(frozen=True)
class PscOptions:
    """`auth` and `wallet` are `host:port`, two hosts: port 0 takes a free one. URIs are declared character for character."""

    client_id: str
    client_secret_file: Path
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    auth: str = "127.0.0.3:0"
    wallet: str = "127.0.0.4:0"
    profile: str = "test"
    client_name: str = "Passerelle"
    client_auth_methods: tuple[str, ...] = AUTH_METHODS
    backchannel_logout_uri: str | None = None
    personas_file: Path = PERSONAS_FILE
    keycloak: KeycloakShape = "modern"
    acr: str = "eidas3"
    lie: Lie | None = None
    quirk: Quirk | None = None
    standard_discovery: bool = False
    """True: the standard discovery path answers too, with another authorization endpoint, as a stock Keycloak does."""


def accepted_psc_addresses(options: PscOptions) -> tuple[LoopbackAddress, LoopbackAddress]:
    """The checked addresses of `auth` and `wallet`, or PscRefusal."""
    if options.profile not in ALLOWED_PROFILES:
        raise PscRefusal(f"The simulated Pro Santé Connect starts only in demo or test, not in {options.profile!r}.")
    addressed = (
        *options.redirect_uris,
        *options.post_logout_redirect_uris,
        *filter(None, [options.backchannel_logout_uri]),
    )
    for uri in addressed:
        if not is_loopback_url(uri):
            raise PscRefusal(f"The simulated Pro Santé Connect stays on this machine: {uri!r} is not a loopback URL.")
    auth, wallet = _listening("--psc", options.auth), _listening("--wallet", options.wallet)
    if auth.host == wallet.host:
        raise PscRefusal("--psc and --wallet must be two hosts: the real service has two, and cookies ignore ports.")
    return auth, wallet


def _listening(option: str, text: str) -> LoopbackAddress:
    try:
        return parse_loopback_address(text)
    except NotLoopback as refusal:
        raise PscRefusal(f"The sandbox stays on this machine, and {option} {refusal}.") from refusal
