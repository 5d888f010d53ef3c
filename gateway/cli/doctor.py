"""`passerelle doctor`: says in words what is wrong, and what to do. Exit code 1 when something is (CLI-07).

It only looks: what is missing is said, not made. One thing that cannot be looked at does not hide the others.
"""

import shutil
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import click

from gateway.applications.client import ClientAuthenticationMethod
from gateway.cli.administration import Administration, administration, check_initialised
from gateway.cli.clients import live_secrets
from gateway.cli.command_line import Invocation
from gateway.cli.config import warnings_of
from gateway.cli.mail_domain import PublicDns, look_at
from gateway.cli.output import CommandRefused
from gateway.clock import iso_utc
from gateway.jobs.fetch_crls import SOON_SECONDS
from gateway.keys.rotation import plan
from gateway.keys.signing_key import KeyState
from gateway.refusal import Refusal
from gateway.settings import ConfigurationError, Settings, Smtp, read_settings
from gateway.signin.card.trust import CardTrust, read_trust
from gateway.signin.ended_session import LOGOUT_CALL
from gateway.signin.psc.client import PscClient
from gateway.signin.psc.client_secret import read_client_secret
from gateway.signin.psc.environment import PscEnvironment
from gateway.signin.psc.json_object import MalformedObject
from gateway.signin.psc.key_set import read_keys
from gateway.signin.psc.metadata import differences
from gateway.wiring.psc import psc_client

_MEBIOCTET = 2**20
_ROOM = 200 * _MEBIOCTET
_MAIL_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Finding:
    """`advice` is empty when all is well."""

    subject: str
    state: str
    advice: str = ""


@click.command(short_help="Says what is wrong with this deployment, and what to do.")
@click.option("--online", is_flag=True, help="Also asks the public DNS whether your mails' domain is protected.")
@click.option("--dkim", metavar="SELECTOR", help="With --online: the selector of the DKIM key that signs your mails.")
@click.pass_obj
def doctor(invocation: Invocation, online: bool, dkim: str | None) -> int:
    """Looks at the settings, the stores, the keys, the applications, the mail server, Pro Santé Connect and the cards.

    Exit code 0 when all is well, 1 when something needs you.
    """
    settings = read_settings(invocation.config)
    findings = [Finding("settings", f"profile {settings.profile}, issuer {settings.issuer}"), _mail(settings.smtp)]
    if online:
        domain = settings.smtp.sender.rpartition("@")[2].lower()
        findings += [Finding(*found) for found in look_at(domain, dkim, PublicDns())]
    folder = _folder(settings)
    findings.append(folder)
    if not folder.advice or settings.data.is_dir():
        findings.extend(_opened(invocation))
    if invocation.output.as_json:
        well = all(not item.advice for item in findings)
        invocation.output.say("", well=well, findings=[asdict(item) for item in findings])
    else:
        rows = [{"": "✗" if item.advice else "✓", **asdict(item)} for item in findings]
        invocation.output.table(
            ["", "subject", "state", "advice"], [row | {"advice": row["advice"] or " "} for row in rows]
        )
    return 1 if any(item.advice for item in findings) else 0


def _opened(invocation: Invocation) -> Iterator[Finding]:
    """What needs the stores opened."""
    try:
        with administration(invocation, initialised=False) as administering:
            database = _safely(_database, administering)
            yield from database
            looks = [_ephemeral, _reviewed, _psc, _cards]
            if not any(item.advice for item in database):
                looks += [_revocation_lists, _keys, _applications, _logout_calls, _backlog]
            for look in looks:
                yield from _safely(look, administering)
    except CommandRefused as refusal:
        yield Finding("stores", "not usable", refusal.message)
    except ConfigurationError as error:
        yield Finding("idp_config", "refused", str(error))


def _safely(look: Callable[[Administration], Iterator[Finding]], administering: Administration) -> list[Finding]:
    subject = look.__name__.strip("_")
    try:
        return list(look(administering))
    except CommandRefused as refusal:
        return [Finding(subject, "not usable", refusal.message)]
    except Exception as error:
        state = f"could not be looked at ({type(error).__name__})"
        return [Finding(subject, state, "Is the store it stands in reachable? Its own log says more.")]


def _folder(settings: Settings) -> Finding:
    data = settings.data
    try:
        free = shutil.disk_usage(data).free
    except FileNotFoundError:
        return Finding(
            "data folder", f"{data} is missing", "Run `passerelle init`, or put the folder back from its backup."
        )
    except OSError as error:
        return Finding("data folder", f"{data}: {error.strerror}", "Give it to the gateway's user.")
    state = f"{free // _MEBIOCTET} MiB free in {data}"
    if free < _ROOM:
        return Finding("data folder", state, "Make room: under 200 MiB nothing can be written safely.")
    return Finding("data folder", state)


def _mail(smtp: Smtp) -> Finding:
    """Whether somebody greets as a mail server does; behind implicit TLS, whether somebody listens."""
    address = f"{smtp.host}:{smtp.port}"
    advice = "No code can be sent: check smtp.host, smtp.port and smtp.tls, and that the server runs."
    try:
        with socket.create_connection((smtp.host, smtp.port), timeout=_MAIL_SECONDS) as connection:
            if smtp.tls != "implicit" and not connection.recv(4).startswith(b"220"):
                return Finding("mail server", f"{address} answers, but not as a mail server does", advice)
    except OSError as error:
        return Finding("mail server", f"{address}: {error.strerror or error}", advice)
    return Finding("mail server", f"{address} answers")


def _database(administering: Administration) -> Iterator[Finding]:
    check_initialised(administering.stores.database)
    yield Finding("database", "answers, tables up to date, keys readable")


def _ephemeral(administering: Administration) -> Iterator[Finding]:
    administering.stores.ephemeral.health()
    yield Finding("ephemeral store", "answers")


def _reviewed(administering: Administration) -> Iterator[Finding]:
    version = administering.reviewed.mapping.version
    yield Finding("idp_config", f"read; role mapping {version}")
    for warning in warnings_of(administering.settings, administering.reviewed):
        yield Finding("idp_config", "to look at", warning)


def _psc(administering: Administration) -> Iterator[Finding]:
    """What stands in our files is compared with what the provider says of itself; nothing is taken from it (PSC-02)."""
    settings, environment = administering.settings, administering.reviewed.psc
    if environment is None or settings.psc is None:
        return
    provider = psc_client(settings, environment, administering.stores.clock)
    try:
        if settings.psc.ca_file is not None:
            settings.psc.ca_file.read_bytes()
    except OSError as error:
        state = f"{settings.psc.ca_file} cannot be read ({error.strerror})"
        yield Finding("Pro Santé Connect", state, "Name in psc.ca_file a file that the gateway's user may read.")
        return
    described = _described(provider, environment)
    yield described
    secret = settings.psc.client_secret_file
    try:
        read_client_secret(secret, environment)
    except ConfigurationError as error:
        advice = "Nobody can sign in with it: put there the secret that Pro Santé Connect gave, alone on one line."
        yield Finding("Pro Santé Connect secret", str(error), advice)
        return
    if described.advice:
        yield Finding("Pro Santé Connect secret", f"{secret} can be read; whether it is accepted could not be asked")
    else:
        yield _accepted(provider, environment)


def _described(provider: PscClient, environment: PscEnvironment) -> Finding:
    subject = "Pro Santé Connect"
    try:
        keys = len(read_keys(provider.keys()))
        metadata = provider.metadata() if environment.metadata_address is not None else None
    except Refusal as refusal:
        advice = "Check psc.yaml, and that this machine may reach it; meanwhile people are offered their other means."
        return Finding(subject, f"{environment.issuer} does not answer as it should ({refusal.detail})", advice)
    except MalformedObject:
        return Finding(subject, f"{environment.jwks_uri} holds no key that can be used", "Check jwks_uri in psc.yaml.")
    state = f"{environment.name} answers, {keys} key(s)"
    if metadata is None:
        return Finding(subject, f"{state}; psc.yaml names no metadata_address to compare with")
    if other := differences(metadata, environment=environment):
        advice = "Find out why, with the agency, before you change psc.yaml: somebody may stand between."
        return Finding(subject, f"{environment.name} describes itself otherwise: {', '.join(other)}", advice)
    return Finding(subject, f"{state}, described as in psc.yaml")


def _accepted(provider: PscClient, environment: PscEnvironment) -> Finding:
    """Asked with a code that nobody has: whoever refuses the code has accepted the secret before."""
    subject, told = "Pro Santé Connect secret", f"client {environment.client_id}"
    try:
        provider.redeem("passerelle-doctor", "passerelle-doctor")
    except Refusal as refusal:
        if refusal.detail.endswith("invalid_grant"):
            return Finding(subject, f"{told}: accepted")
        if refusal.detail.endswith(("invalid_client", "unauthorized_client")):
            advice = "Compare client_id, authentication_method and the secret's file with what the agency gave."
            return Finding(subject, f"{told}: refused", advice)
        return Finding(subject, f"{told}: not judged ({refusal.detail})")
    return Finding(subject, f"{told}: an invented code was accepted", "This is no Pro Santé Connect: switch it off.")


def _cards(administering: Administration) -> Iterator[Finding]:
    """Whose cards sign in here; what is wrong with the pinned files is said as at start (SV-15)."""
    environment = administering.reviewed.card
    if environment is None:
        return
    try:
        trust = _trust(administering)
    except ConfigurationError as error:
        advice = "The gateway does not start like this: put the pinned file back, or have card.yaml reviewed."
        yield Finding("cards", str(error), advice)
        return
    ranges = ", ".join(environment.accepted_ranges)
    yield Finding("cards", f"{environment.name}: {len(trust.issuing)} pinned issuing authorities; accepted: {ranges}")


def _revocation_lists(administering: Administration) -> Iterator[Finding]:
    """Of the authorities whose cards are accepted, and of their roots: without each of them nobody signs in by card (SV-09)."""
    if administering.reviewed.card is None:
        return
    try:
        watched = _trust(administering).watched
    except ConfigurationError:
        return  # said above
    now, store = administering.stores.clock.now(), administering.stores.database.revocation_lists
    late = "Nobody signs in by card until a newer one is there"
    for authority in watched:
        subject = f"revocation list of {authority.anchor.file}"
        held = store.find(authority.fingerprint)
        if held is None:
            yield Finding(subject, "none is held", f"{late}: is `passerelle jobs` running, and may it reach the list?")
            continue
        state, advice = f"number {held.number}, until {iso_utc(held.next_update)}", ""
        if now > held.next_update:
            state, advice = f"{state}: over", f"{late}: see why `passerelle jobs` cannot fetch it; its log says."
        elif held.next_update - now < SOON_SECONDS:
            advice = "The next one is late: see why `passerelle jobs` cannot fetch it, before this one ends."
        yield Finding(subject, state, advice)


def _trust(administering: Administration) -> CardTrust:
    environment, settings = administering.reviewed.card, administering.settings.card
    if environment is None or settings is None:
        raise ConfigurationError("card.certificates: name the folder of the authorities' certificates")
    return read_trust(environment, settings.certificates)


def _keys(administering: Administration) -> Iterator[Finding]:
    now, rules = administering.stores.clock.now(), administering.rotation_rules()
    store = administering.stores.database.signing_keys
    keys = store.all()
    due = {step.algorithm for step in plan(keys, now, version=store.version(), rules=rules).steps}
    for algorithm in rules.algorithms:
        active = next((key for key in keys if key.algorithm is algorithm and key.state is KeyState.ACTIVE), None)
        if active is None:
            advice = "Run `passerelle rotate signing-keys`, again a day later." if keys else "Run `passerelle init`."
            yield Finding(f"key {algorithm}", "none is active", advice)
            continue
        advice = "A step is due: `passerelle rotate signing-keys`." if algorithm in due else ""
        yield Finding(f"key {algorithm}", f"active since {iso_utc(active.state_since)}", advice)


def _applications(administering: Administration) -> Iterator[Finding]:
    for client in administering.reviewed.clients.all():
        public = client.authentication_method is ClientAuthenticationMethod.NONE
        if not client.has_secret:
            yield Finding(
                f"application {client.client_id}", "public" if public else str(client.authentication_method), ""
            )
            continue
        secrets = len(live_secrets(administering, client.client_id))
        advice = "" if secrets else f"Give it a secret: `passerelle clients add {client.client_id}`."
        yield Finding(f"application {client.client_id}", f"{secrets} secret(s)", advice)


def _logout_calls(administering: Administration) -> Iterator[Finding]:
    """Applications that do not take the news that a session has ended (SES-07): tried more than once, and still waiting."""
    late = Counter(
        str(item.payload["client"])
        for item, tries in administering.stores.ephemeral.spool.waiting(LOGOUT_CALL)
        if tries > 1
    )
    for client_id, number in sorted(late.items()):
        yield Finding(
            f"logout of {client_id}",
            f"{number} session end(s) it has not taken",
            "Its people may still be signed in there: is its backchannel_logout_uri right, and does it answer 2xx?",
        )
    if not late:
        yield Finding("logout calls", "none is late")


def _backlog(administering: Administration) -> Iterator[Finding]:
    waiting = administering.stores.ephemeral.spool.backlog()
    advice = "Is `passerelle jobs` running? Journal lines and messages wait for it." if waiting > 1000 else ""
    yield Finding("spool", f"{waiting} item(s) waiting", advice)
