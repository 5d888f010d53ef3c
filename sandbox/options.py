"""What the sandbox is started with, and the refusals that come before anything listens.

Refuses any profile but `demo` and `test` (the sandbox must never stand beside real accounts), any address that is
not loopback, and a people file that cannot be read. Each refusal is one sentence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.loopback import LoopbackAddress, NotLoopback, is_loopback_url, parse_loopback_address
from sandbox.psc.options import PscOptions

ALLOWED_PROFILES = ("demo", "test")


class SandboxRefusal(Exception):  # noqa: N818 -- a refusal, told in a sentence
    """The sandbox does not start; the message is one sentence for the person who started it."""


@dataclass(frozen=True)
class SandboxOptions:
    """Addresses are `host:port`; port 0 takes a free one. `issuer` is the gateway's URL, not contacted at start.
    Without `psc` there is no Pro Santé Connect; the other `psc_…` and `wallet` then have no meaning."""

    profile: str
    issuer: str
    world: str
    smtp: str
    orientation: str
    orientation_client_id: str
    orientation_client_secret_file: Path
    clock_offset_file: Path | None = None
    people_file: Path | None = None
    suivi: str | None = None
    """Absent: the second application is not started. With it go its client id and its secret file."""
    suivi_client_id: str | None = None
    suivi_client_secret_file: Path | None = None
    psc: str | None = None
    wallet: str | None = None
    psc_client_id: str | None = None
    psc_client_secret_file: Path | None = None
    psc_redirect_uri: Sequence[str] | None = None
    psc_post_logout_redirect_uri: Sequence[str] | None = None
    psc_backchannel_logout_uri: str | None = None
    bridge_ports: Sequence[int] | None = None
    """Where the card bridge listens, on 127.0.0.1, the first that is free; absent: there is no card reader. With it goes the
    folder where the look-alike authorities are written."""
    card_folder: Path | None = None


@dataclass(frozen=True)
class ListeningAddresses:
    world: LoopbackAddress
    smtp: LoopbackAddress
    orientation: LoopbackAddress
    suivi: LoopbackAddress | None = None

    @property
    def any_port_is_free_choice(self) -> bool:
        listening = (self.world, self.smtp, self.orientation, *([self.suivi] if self.suivi else []))
        return any(address.port == 0 for address in listening)


def accepted_addresses(options: SandboxOptions) -> ListeningAddresses:
    """The checked listening addresses, or SandboxRefusal."""
    if options.profile not in ALLOWED_PROFILES:
        raise SandboxRefusal(
            f"The sandbox holds public passwords and starts only with --profile demo or test, "
            f"not with {options.profile!r}."
        )
    if not is_loopback_url(options.issuer):
        raise SandboxRefusal(
            f"The sandbox stays on this machine, and --issuer {options.issuer!r} is not a loopback URL."
        )
    if options.bridge_ports and options.card_folder is None:
        raise SandboxRefusal("--bridge-port needs --card-folder too.")
    if options.suivi is not None and not (options.suivi_client_id and options.suivi_client_secret_file):
        raise SandboxRefusal("--suivi needs --suivi-client-id and --suivi-client-secret-file too.")
    return ListeningAddresses(
        world=_listening("--world", options.world),
        smtp=_listening("--smtp", options.smtp),
        orientation=_listening("--orientation", options.orientation),
        suivi=_listening("--suivi", options.suivi) if options.suivi is not None else None,
    )


def psc_options(options: SandboxOptions) -> PscOptions | None:
    """None: no Pro Santé Connect is wanted. Raises SandboxRefusal when it is asked for by half."""
    if options.psc is None:
        return None
    if options.wallet is None or options.psc_client_id is None or options.psc_client_secret_file is None:
        raise SandboxRefusal("With --psc, also give --wallet, --psc-client-id and --psc-client-secret-file.")
    return PscOptions(
        profile=options.profile,
        auth=options.psc,
        wallet=options.wallet,
        client_id=options.psc_client_id,
        client_secret_file=options.psc_client_secret_file,
        redirect_uris=tuple(options.psc_redirect_uri or ()),
        post_logout_redirect_uris=tuple(options.psc_post_logout_redirect_uri or ()),
        backchannel_logout_uri=options.psc_backchannel_logout_uri,
    )


def _listening(option: str, text: str) -> LoopbackAddress:
    try:
        return parse_loopback_address(text)
    except NotLoopback as refusal:
        raise SandboxRefusal(f"The sandbox stays on this machine, and {option} {refusal}.") from refusal
