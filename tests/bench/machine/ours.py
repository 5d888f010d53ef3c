"""Our gateway as it is deployed, with one worker: settings, keys, an application, people with habilitations, sessions.

Nothing of the product is left out or replaced: it is `passerelle serve`, over Redis and a durable store; its people hold two
roles in two structures, which every token of theirs says, read live. Codes are prepared through the product's own port.
"""

import hashlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, timedelta
from pathlib import Path
from shutil import copytree
from typing import Any

import yaml

from gateway.accounts.account import Account, AccountStatus, RppsProof
from gateway.accounts.password_hash import PasswordHasher
from gateway.applications.ports import SecretSlot
from gateway.cli.administration import Administration, administration
from gateway.cli.command_line import Invocation
from gateway.cli.init import create_kek, prepare
from gateway.cli.output import Output
from gateway.habilitations.habilitation import Habilitation, HabilitationState, Origin
from gateway.habilitations.structure import Structure, StructureKind
from gateway.journal.effects import NO_EFFECTS
from gateway.keys.purposes import Purpose
from gateway.oidc.ports import AuthorizationCode
from gateway.randomness import digest, handle, identifier, partition_of, system_randomness
from gateway.settings import read_settings
from gateway.signin.evidence import Evidence, Means
from gateway.signin.session import Session
from gateway.storage.ephemeral import EphemeralStore
from tests.bench import measure
from tests.bench.machine.operations import (
    CLIENT_ID,
    CLIENT_SECRET,
    CODE,
    CODE_CHALLENGE,
    INTROSPECTION,
    REDIRECT_URI,
    Operation,
    asked_in_turn,
)

ROOT = Path(__file__).resolve().parents[3]
LABELS = ("IAM - MSPH - ESMS - Gestion des notif. (Nominatif) (IAM)", "IAM - MSPH - Statistiques ESMS (IAM)")
STRUCTURES = (("990000002", "Foyer des Tilleuls"), ("990000010", "Service des Peupliers"))
ACR = "urn:passerelle:acr:pwd-otp-sms"
SCOPE = ("openid", "rpps", "ror")
HOUR = 3600


class Gateway:
    """`redis_database`: its number; `more`: other settings than the bench's own."""

    name = "passerelle"

    def __init__(
        self,
        folder: Path,
        redis_port: int,
        *,
        people: int,
        database: str | None = None,
        redis_database: int = 0,
        **more: Any,
    ) -> None:
        self._folder = folder
        self._port = measure.free_port()
        self.config = _settings(folder, self._port, f"redis://127.0.0.1:{redis_port}/{redis_database}", database, more)
        self.accounts: list[str] = []
        with self.deployment() as administering:
            prepare(administering)
            _secret(administering)
            put_structures(administering)
            self.accounts += add_people(administering, range(people))
        self._sessions_made = 0

    def deployment(self) -> AbstractContextManager[Administration]:
        """Its stores, opened beside it."""
        return administration(Invocation(self.config, Output(as_json=True)), initialised=False)

    def start(self) -> measure.Process:
        """Starts it again on the same data."""
        self.process = measure.Process(
            [sys.executable, "-m", "gateway.cli", "--config", str(self.config), "serve", "--workers", "1"],
            core=measure.SERVER_CORE,
            log=self._folder / "serve.log",
            environment={"PYTHONPATH": str(ROOT)},
        )
        return self.process

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def health(self) -> str:
        return f"http://127.0.0.1:{self._port}/health/live"

    def url(self, operation: Operation) -> str:
        return f"http://127.0.0.1:{self._port}{'/introspect' if operation is INTROSPECTION else '/token'}"

    def pool(self, operation: Operation, count: int, people: Sequence[str] = ()) -> Sequence[str]:
        """Codes of these people, or of all; refresh tokens and access tokens are what codes give."""
        codes = self._codes(count, people or self.accounts)
        if operation is CODE:
            return codes
        member = "access_token" if operation is INTROSPECTION else "refresh_token"
        return [str(answer[member]) for answer in asked_in_turn(self.url(CODE), CODE, codes)]

    def _codes(self, count: int, people: Sequence[str]) -> list[str]:
        with self.deployment() as administering:
            store, now = administering.stores.ephemeral, administering.stores.clock.now()
            by_account: dict[str, Session] = {}
            codes = []
            for number in range(count):
                account_id = people[(self._sessions_made + number) % len(people)]
                session = by_account.get(account_id)
                if session is None:
                    session = by_account[account_id] = session_of(account_id, now)
                    store.sessions.start(session, now, NO_EFFECTS)
                codes.append(_code(store, session, now))
            self._sessions_made += count
            return codes


def _settings(folder: Path, port: int, ephemeral: str, database: str | None, more: Mapping[str, Any]) -> Path:
    copytree(ROOT / "idp_config", folder / "idp_config")
    client = {
        "client_id": CLIENT_ID,
        "name": {"fr": "Banc de mesure"},
        "redirect_uris": [REDIRECT_URI],
        "scopes": list(SCOPE),
        "service_scopes": ["read"],
        "refresh_tokens": True,
        "audience": "https://api.bench.example.test",
        "role_application": "orientation",
    }
    (folder / "idp_config" / "clients" / f"{CLIENT_ID}.yaml").write_text(yaml.safe_dump(client), "utf-8")
    settings = {
        "profile": "demo",
        "issuer": f"http://localhost:{port}",
        "listen": f"127.0.0.1:{port}",
        "idp_config": "idp_config",
        "data": ".",
        "smtp": {"host": "127.0.0.1", "port": 25, "tls": "none", "sender": "banc@demo.passerelle.test"},
        "ephemeral": {"url": ephemeral},
        **({"database": {"url": database}} if database else {}),
        **more,
    }
    file = folder / "passerelle.yaml"
    file.write_text(yaml.safe_dump(settings), "utf-8")
    create_kek(read_settings(file))
    return file


def _secret(administering: Administration) -> None:
    now = administering.stores.clock.now()
    slot = SecretSlot(CLIENT_ID, 1, hashlib.sha256(CLIENT_SECRET.encode()).digest(), now, None)
    administering.stores.database.client_secrets.put(slot, NO_EFFECTS)


def put_structures(administering: Administration) -> None:
    structures = [
        Structure(id=f"fineg:{finess}", kind=StructureKind.EG, name=name, finess=finess) for finess, name in STRUCTURES
    ]
    administering.stores.database.structures.put(structures, NO_EFFECTS)


def add_people(administering: Administration, numbers: Iterable[int], password: str | None = None) -> list[str]:
    """Active accounts, each with two habilitations of a source that has just said them."""
    stores, now = administering.stores, administering.stores.clock.now()
    hasher = PasswordHasher(stores.database.purpose_keys.get(Purpose.PASSWORD_PEPPER), stores.randomness)
    today, accounts, habilitations = date.today(), [], []
    for number in numbers:
        account_id = identifier(system_randomness)
        account = Account(
            id=account_id, username=f"banc.{number}", family_name="Exemple", given_name="Camille",
            email=f"banc.{number}@example.test", status=AccountStatus.ACTIVE, created_at=now, email_verified_at=now,
            rpps=_rpps(number), rpps_proof=RppsProof.CARD, profession="60^1.2.250.1.71.1.2.7",
            password_hash=None if password is None else hasher.hash(account_id, password),
        )  # fmt: skip
        stores.database.accounts.create(account, NO_EFFECTS)
        accounts.append(account.id)
        habilitations += [
            Habilitation(
                id=identifier(system_randomness), account_id=account.id, structure_id=f"fineg:{finess}", role_label=label,
                start_on=today - timedelta(30), end_on=today + timedelta(300), state=HabilitationState.ACTIVE,
                origin=Origin.ROR, source="ror", seen_at=now,
            )
            for (finess, _), label in zip(STRUCTURES, LABELS, strict=True)
        ]  # fmt: skip
    stores.database.habilitations.apply(add=habilitations, end=(), seen=(), seen_at=now, effects=NO_EFFECTS)
    return accounts


def _rpps(number: int) -> str:
    """A fictitious RPPS, with its Luhn digit."""
    body = f"999{number:07d}"
    doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(body))]
    total = sum(value - 9 if value > 9 else value for value in doubled)
    return f"{body}{-total % 10}"


def session_of(account_id: str, now: float) -> Session:
    return Session(
        handle=handle(system_randomness, partition_of(account_id)),
        sid=identifier(system_randomness),
        account_id=account_id,
        started_at=now,
        auth_time=now,
        last_used_at=now,
        absolute_end=now + 8 * HOUR,
        idle_seconds=2 * HOUR,
        evidence=(Evidence(Means.PASSWORD, now), Evidence(Means.SMS_CODE, now)),
        clients=(CLIENT_ID,),
        active_structure=f"fineg:{STRUCTURES[0][0]}",
    )


def _code(store: EphemeralStore, session: Session, now: float) -> str:
    partition = partition_of(session.account_id)
    code = AuthorizationCode(
        handle=handle(system_randomness, partition),
        grant_id=handle(system_randomness, partition),
        account_id=session.account_id,
        session_handle_digest=digest(session.handle),
        sid=session.sid,
        client_id=CLIENT_ID,
        redirect_uri=REDIRECT_URI,
        scope=SCOPE,
        code_challenge=CODE_CHALLENGE,
        nonce=None,
        auth_time=session.auth_time,
        acr=ACR,
        amr=("pwd", "otp", "sms", "mfa"),
        structure=session.active_structure,
        issued_at=now,
        expires_at=now + HOUR,
        session_ends_at=session.absolute_end,
    )
    if not store.codes.issue(code, NO_EFFECTS):
        raise measure.Unmeasurable("a code whose session does not live")
    return code.handle
