"""Builds what runs beside the gateway without a request."""

from collections.abc import Sequence
from pathlib import Path

from gateway.accounts.ports import Outbox
from gateway.directory.role_file import RoleFile
from gateway.directory.structure_file import StructureFile
from gateway.habilitations.import_roles import RoleImport
from gateway.jobs.drain_journal import JournalDrain
from gateway.jobs.import_directory import DirectoryImport
from gateway.jobs.outgoing import OutgoingJob, Queue
from gateway.jobs.runner import Job
from gateway.jobs.send_logout import SendLogout
from gateway.jobs.send_messages import SendMessages
from gateway.jobs.tell_referents import TellReferents
from gateway.journal.effects import Effects, Outgoing
from gateway.keys.key_ring import KeyRing
from gateway.keys.purposes import Purpose
from gateway.keys.signer import Signer
from gateway.messages.logout_http import HttpLogoutCaller
from gateway.messages.smtp import SmtpSender
from gateway.messages.texts import Texts
from gateway.oidc.subjects import Subjects
from gateway.settings import Settings
from gateway.signin.card.environment import CardEnvironment
from gateway.signin.enrolment.reset_order import ResetLinks
from gateway.storage.ephemeral import EphemeralStore
from gateway.wiring.card import crl_fetch, revoked_card_sessions
from gateway.wiring.colleagues import strong_means, teams_of
from gateway.wiring.policies import signin_policy
from gateway.wiring.secret_file import secret_in
from gateway.wiring.sms import sms_sender
from gateway.wiring.stores import ReviewedConfig, Stores

_LEASE_SECONDS = 60.0
_BATCH = 20
_REVOKED_SECONDS = 30.0
"""How often sessions are held against the revocation lists: a means revoked ends them within the minute (SES-08)."""
_ABREAST = 8
"""Messages and calls under way at once: a provider that drags holds no others' mail."""


class _SpooledQueue:
    """The ephemeral store's outgoing items."""

    def __init__(self, ephemeral: EphemeralStore) -> None:
        self._spool = ephemeral.spool

    def take(self, now: float) -> Sequence[tuple[str, Outgoing, int]]:
        return self._spool.take_outgoing(now, _BATCH, _LEASE_SECONDS)

    def done(self, item_id: str, effects: Effects) -> None:
        self._spool.done(item_id, effects)

    def retry(self, item_id: str, at: float, effects: Effects) -> None:
        self._spool.retry(item_id, at, effects)


class _DurableQueue:
    """The durable store's outbox."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def take(self, now: float) -> Sequence[tuple[str, Outgoing, int]]:
        leased = self._outbox.take(now, limit=_BATCH, lease_seconds=_LEASE_SECONDS)
        return [(item_id, Outgoing(kind, payload), tries) for item_id, kind, payload, tries in leased]

    def done(self, item_id: str, effects: Effects) -> None:
        self._outbox.done(item_id, effects)

    def retry(self, item_id: str, at: float, effects: Effects) -> None:
        self._outbox.retry(item_id, at=at, effects=effects)


def jobs_of(settings: Settings, reviewed: ReviewedConfig, stores: Stores) -> list[Job]:
    """Every job of this deployment."""
    database, ephemeral, clock = stores.database, stores.ephemeral, stores.clock
    keys, policy = database.purpose_keys, signin_policy(settings)
    sms, signals = sms_sender(settings)
    messages = SendMessages(
        accounts=database.accounts,
        links=database.links,
        resets=ResetLinks(
            accounts=database.accounts,
            links=database.links,
            link_key=keys.get(Purpose.LINK),
            ttl_seconds=settings.values["link.reset.ttl"],
            randomness=stores.randomness,
        ),
        changes=database.contact_changes,
        codes=ephemeral.one_time_codes,
        texts=Texts(service=reviewed.tenant.name, origin=settings.issuer, contact=reviewed.tenant.contact_email),
        mail=_mail_sender(settings, reviewed),
        sms=sms,
        signals=signals,
        operator=settings.operator_email or reviewed.tenant.contact_email,
        code_key=keys.get(Purpose.ONE_TIME_CODE),
        link_key=keys.get(Purpose.LINK),
        origin=settings.issuer,
        policy=policy,
    )
    logout = SendLogout(
        clients=reviewed.clients,
        signer=Signer(KeyRing(database.signing_keys, clock=clock)),
        subjects=Subjects(keys.get(Purpose.PAIRWISE_SUBJECT)),
        caller=HttpLogoutCaller(),
        issuer=settings.issuer,
        ttl_seconds=settings.values["logout_token.ttl"],
        clock=clock,
        randomness=stores.randomness,
    )
    referents = TellReferents(
        accounts=database.accounts,
        teams=teams_of(settings, reviewed, stores),
        strong=strong_means(stores, policy),
        spool=ephemeral.spool,
    )
    queues: list[Queue] = [_SpooledQueue(ephemeral), _DurableQueue(database.outbox)]
    outgoing = OutgoingJob(
        queues=queues,
        handlers={**messages.handlers(), **referents.handlers(), **logout.handlers()},
        troubled=messages.troubled(),
        clock=clock,
        abreast=_ABREAST,
    )
    drain = JournalDrain(ephemeral.spool, database.journal, settings.node)
    directory = directory_import(settings, reviewed, stores)

    def purge() -> int:
        ephemeral.purge(clock.now())
        return 0

    card = [] if reviewed.card is None else _card_jobs(settings, reviewed.card, stores)
    return [
        Job("outgoing", 0.1, outgoing.run_once),
        Job("journal", 0.2, drain.run_once),
        Job("directory", 5.0, directory.run_if_due),
        Job("purge", 60.0, purge),
        *card,
    ]


def _card_jobs(settings: Settings, environment: CardEnvironment, stores: Stores) -> list[Job]:
    return [
        Job("revocation lists", 1.0, crl_fetch(settings, environment, stores).run_if_due),
        Job("revoked cards", _REVOKED_SECONDS, revoked_card_sessions(settings, environment, stores).end),
    ]


def directory_import(settings: Settings, reviewed: ReviewedConfig, stores: Stores) -> DirectoryImport:
    """Reads the files that the settings name. In the demo a file is as fresh as its reading, because the clock moves."""
    source = settings.directory.source

    def seen_at(file: Path) -> float:
        return stores.clock.now() if settings.profile == "demo" else file.stat().st_mtime

    return DirectoryImport(
        roles=RoleImport(
            accounts=stores.database.accounts,
            structures=stores.database.structures,
            habilitations=stores.database.habilitations,
            mapping=reviewed.mapping,
            clock=stores.clock,
            randomness=stores.randomness,
        ),
        structures=stores.database.structures,
        roles_file=settings.directory.roles_file,
        structures_file=settings.directory.structures_file,
        read_roles=lambda file, seen: RoleFile(file, source=source, seen_at=seen),
        read_structures=StructureFile,
        seen_at=seen_at,
        source=source,
        clock=stores.clock,
    )


def _mail_sender(settings: Settings, reviewed: ReviewedConfig) -> SmtpSender:
    smtp = settings.smtp
    return SmtpSender(
        host=smtp.host,
        port=smtp.port,
        tls=smtp.tls,
        authorities=smtp.ca_file,
        sender=smtp.sender,
        sender_name=reviewed.tenant.name["fr"],
        username=smtp.username,
        password=secret_in(smtp.password_file) if smtp.password_file is not None else None,
    )
