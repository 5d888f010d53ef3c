"""The gateway as it is deployed: what wiring builds, over real SQLite files, spoken to through its ASGI entrance.

Only the clock is ours. People walk through the pages with a browser that keeps cookies and fills forms; an application asks
for codes and redeems them; what would leave by mail or SMS is read where the jobs would read it.
"""

import asyncio
import base64
import datetime
import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import flask
import yaml

from gateway.accounts.account import Account, AccountStatus, CodeChannel, RppsProof
from gateway.accounts.password_hash import PasswordHasher
from gateway.app import Application
from gateway.applications.ports import SecretSlot
from gateway.clock import civil_date
from gateway.habilitations.habilitation import Habilitation, HabilitationState, Origin
from gateway.habilitations.structure import Structure, StructureKind
from gateway.habilitations.two_years import two_years_after
from gateway.journal.effects import NO_EFFECTS
from gateway.keys.key_encryption_key import KeyEncryptionKey
from gateway.keys.purposes import Purpose
from gateway.keys.rotation import apply_plan, plan
from gateway.randomness import identifier, system_randomness
from gateway.settings import Settings
from gateway.signin.one_time_code.code import derive_code
from gateway.signin.session import Session
from gateway.web.machine_door import MachineEndpoint
from gateway.wiring.application import build
from gateway.wiring.policies import argon2_parameters, rotation_rules
from gateway.wiring.stores import Stores, open_stores, read_idp_config
from tests.fakes import SetClock

ROOT = Path(__file__).resolve().parents[2]
ISSUER = "https://portail.example"
PASSWORD = "le martinet dort en volant"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
REFERENT = "IAM - MSPH - Référent ESMS (IAM)"
STATISTICS = "IAM - MSPH - Statistiques ESMS (IAM)"
PWD = "urn:passerelle:acr:pwd"
OTP_MAIL = "urn:passerelle:acr:pwd-otp-mail"
OTP_SMS = "urn:passerelle:acr:pwd-otp-sms"
TOTP = "urn:passerelle:acr:pwd-totp"
DAY = 86_400

ORIENTATION = {
    "client_id": "orientation",
    "name": {"fr": "Orientation handicap", "en": "Orientation"},
    "redirect_uris": ["https://orientation.example/callback"],
    "post_logout_redirect_uris": ["https://orientation.example/bye"],
    "scopes": ["openid", "profile", "email", "rpps", "profession", "ror"],
    "audience": "https://orientation.example/api",
    "role_application": "orientation",
    "refresh_tokens": True,
}
SUIVI = {
    "client_id": "suivi",
    "name": {"fr": "Suivi", "en": "Follow-up"},
    "redirect_uris": ["https://suivi.example/app/callback"],
    "authentication_method": "none",
    "scopes": ["openid", "profile", "ror"],
    "audience": "https://suivi.example/api",
    "role_application": "suivi",
}
EXIGEANT = {
    "client_id": "exigeant",
    "name": {"fr": "Exigeant", "en": "Strict"},
    "redirect_uris": ["https://exigeant.example/callback"],
    "authentication_method": "client_secret_post",
    "scopes": ["openid"],
    "audience": "https://exigeant.example/api",
    "role_application": "orientation",
    "id_token_algorithm": "RS256",
    "min_acr": OTP_SMS,
}
CLIENTS: dict[str, dict[str, Any]] = {str(one["client_id"]): one for one in (ORIENTATION, SUIVI, EXIGEANT)}


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        found = [value for key, value in self.headers if key == name.lower()]
        return found[-1] if found else None

    @property
    def location(self) -> str:
        found = self.header("location")
        assert found is not None, (self.status, self.text[:500])
        return found

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.body)
        return content


_FIRST_STATES: dict[tuple[Any, ...], Mapping[str, bytes]] = {}


def first_state(settings: Settings, clock: SetClock) -> Mapping[str, bytes]:
    """The files of a deployment that begins, made once for the tests of this process: they cost a fifth of a second."""
    key = (clock.at, settings.values["key.sign.rsa_bits"], tuple(settings.signing_algorithms))
    if key not in _FIRST_STATES:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            KeyEncryptionKey.create(folder / "kek.key", system_randomness)
            alone = settings.model_copy(update={"data": folder})
            stores = replace(open_stores(alone, node="test"), clock=clock)
            _initialise(alone, stores)
            stores.ephemeral.close()
            stores.database.close()
            _FIRST_STATES[key] = {file.name: file.read_bytes() for file in folder.iterdir()}
    return _FIRST_STATES[key]


def _initialise(settings: Settings, stores: Stores) -> None:
    database, now = stores.database, stores.clock.now()
    database.migrate()
    database.initialise_purpose_keys(NO_EFFECTS)
    keys, rules = database.signing_keys, rotation_rules(settings)
    first = plan([], now, version=keys.version(), rules=rules)
    apply_plan(first, keys, now=now, randomness=system_randomness, rules=rules, operator="test")
    for client_id in ("orientation", "exigeant"):
        slot = SecretSlot(client_id, 1, hashlib.sha256(secret_of(client_id).encode()).digest(), now, None)
        database.client_secrets.put(slot, NO_EFFECTS)


class Gateway:
    """`self.application` is what uvicorn would serve. `ranking`: another assurance.yaml than the reference tenant's;
    `networks`: another networks.yaml."""

    def __init__(
        self, folder: Path, *, ranking: str | None = None, networks: str | None = None, **settings: Any
    ) -> None:
        shutil.copytree(ROOT / "idp_config", folder / "idp_config")
        self._review(folder / "idp_config")
        if ranking is not None:
            (folder / "idp_config" / "assurance.yaml").write_text(ranking, "utf-8")
        if networks is not None:
            (folder / "idp_config" / "networks.yaml").write_text(networks, "utf-8")
        given: dict[str, Any] = {
            "profile": "standard",
            "issuer": ISSUER,
            "idp_config": folder / "idp_config",
            "data": folder,
            "smtp": {"host": "mail.portail.example", "sender": "passerelle@portail.example"},
            "sms": {"url": "https://sms.portail.example/send", "budget": {"daily": 100}},
            "parameters": {"key.sign.rsa_bits": 2048},
            **settings,
        }
        self.settings = Settings.model_validate(given)
        self.clock = SetClock()
        for name, content in first_state(self.settings, self.clock).items():
            (folder / name).touch(mode=0o600)
            (folder / name).write_bytes(content)
        self.stores: Stores = replace(open_stores(self.settings, node="test"), clock=self.clock)
        self.reviewed = read_idp_config(self.settings)
        self.application: Application = build(self.settings, self.reviewed, self.stores)
        self.browser = Browser(self)

    @staticmethod
    def _review(folder: Path) -> None:
        tenant, roles = folder / "tenant.yaml", folder / "roles.yaml"
        tenant.write_text(tenant.read_text("utf-8").replace("host: localhost", "host: portail.example"), "utf-8")
        mapping = yaml.safe_load(roles.read_text("utf-8"))
        rule = {"when": {"role": "msph_statistics", "structure": ["EG"]}, "give": ["suivi.lecture"]}
        mapping["applications"]["suivi"] = {"rights": [], "rules": [{**rule, "rights": []}]}
        roles.write_text(yaml.safe_dump(mapping, allow_unicode=True, sort_keys=False), "utf-8")
        shutil.rmtree(folder / "clients")
        (folder / "clients").mkdir()
        for client_id, declared in CLIENTS.items():
            (folder / "clients" / f"{client_id}.yaml").write_text(yaml.safe_dump(declared, allow_unicode=True), "utf-8")

    def restart(self, **settings: Any) -> None:
        """The same deployment with other settings: what was stored and what browsers hold stay."""
        changed = {**self.settings.model_dump(exclude_unset=True), **settings}
        self.settings = Settings.model_validate(changed)
        self.application = build(self.settings, self.reviewed, self.stores)

    def close(self) -> None:
        self.stores.ephemeral.close()
        self.stores.database.close()

    # ── what it is made of ──

    @property
    def machine(self) -> Mapping[str, Mapping[str, MachineEndpoint]]:
        return self.application._machine

    @property
    def pages(self) -> flask.Flask:
        app: Any = self.application.pages
        assert isinstance(app, flask.Flask)
        return app

    # ── who and where ──

    def person(self, username: str = "camille", **changes: Any) -> Account:
        now = self.clock.now()
        database = self.stores.database
        pepper = database.purpose_keys.get(Purpose.PASSWORD_PEPPER)
        hasher = PasswordHasher(pepper, system_randomness, argon2_parameters(self.settings.values))
        account_id = identifier(system_randomness)
        values: dict[str, Any] = {
            "id": account_id,
            "username": username,
            "family_name": "Exemple",
            "given_name": username.capitalize(),
            "email": f"{username}@exemple.example",
            "status": AccountStatus.ACTIVE,
            "created_at": now,
            "email_verified_at": now,
            "password_hash": hasher.hash(account_id, PASSWORD),
            **changes,
        }
        account = Account(**values)
        database.accounts.create(account, NO_EFFECTS)
        return account

    def registered(self, username: str = "camille", **changes: Any) -> Account:
        """A professional whose number and profession are declared, and whose phone is verified."""
        facts = {"rpps": "99900000003", "rpps_proof": RppsProof.DECLARED, "profession": "60^1.2.250.1.71.1.2.7"}
        phone = {"phone": "+33639980001", "phone_verified_at": self.clock.now(), "code_channel": CodeChannel.EMAIL}
        return self.person(username, **{**facts, **phone, **changes})

    def structure(self, number: int) -> Structure:
        finess = f"99{number:07d}"
        made = Structure(
            f"fineg:{finess}", StructureKind.EG, f"Foyer fictif {number}", finess, category="246", region="93"
        )
        self.stores.database.structures.put([made], NO_EFFECTS)
        return made

    def habilitation(
        self, account: Account, structure: Structure, label: str = REFERENT, **changes: Any
    ) -> Habilitation:
        now = self.clock.now()
        begins = self.today()
        values: dict[str, Any] = {
            "id": identifier(system_randomness),
            "account_id": account.id,
            "structure_id": structure.id,
            "role_label": label,
            "start_on": begins,
            "end_on": two_years_after(begins),
            "state": HabilitationState.ACTIVE,
            "origin": Origin.ROR,
            "source": "ror",
            "seen_at": now,
            **changes,
        }
        habilitation = Habilitation(**values)
        self.stores.database.habilitations.grant(habilitation, NO_EFFECTS)
        return habilitation

    def today(self) -> datetime.date:
        return civil_date(self.clock.now())

    def session(self, handle: str | None) -> Session | None:
        return self.stores.ephemeral.sessions.find(handle, self.clock.now()) if handle else None

    # ── what leaves ──

    def sent_code(self) -> str:
        """The newest one-time code on its way, as the job that sends it derives it."""
        spool, now = self.stores.ephemeral.spool, self.clock.now()
        items = [
            (item_id, item) for item_id, item, _ in spool.take_outgoing(now, 50, 0.0) if item.kind == "one_time_code"
        ]
        for item_id, _ in items:
            spool.done(item_id, NO_EFFECTS)
        payload = items[-1][1].payload
        digits = self.settings.values[f"otp.digits.{payload['channel']}"]
        key = self.stores.database.purpose_keys.get(Purpose.ONE_TIME_CODE)
        return derive_code(key, str(payload["challenge"]), int(payload["send_number"]), digits)

    def events(self, name: str | None = None) -> list[Any]:
        found = [event for _, event in self.stores.ephemeral.spool.take_events(10_000)]
        return [event for event in found if name in {None, event.name}]

    # ── the wire ──

    def ask(
        self,
        method: str,
        target: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        peer: str = "192.0.2.7",
    ) -> Answer:
        path, _, query = target.partition("?")
        named = {"host": "portail.example", **{name.lower(): value for name, value in (headers or {}).items()}}
        if body:
            named.setdefault("content-length", str(len(body)))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "http",
            "method": method,
            "path": path,
            "raw_path": quote(path).encode(),
            "root_path": "",
            "query_string": query.encode("ascii"),
            "headers": [(name.encode("latin-1"), value.encode("utf-8")) for name, value in named.items()],
            "client": (peer, 40_000),
            "server": ("127.0.0.1", 8080),
        }
        return asyncio.run(self._served(scope, body))

    async def _served(self, scope: dict[str, Any], body: bytes) -> Answer:
        messages: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            messages.append(message)

        await self.application(scope, receive, send)
        start = next(message for message in messages if message["type"] == "http.response.start")
        headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in start["headers"]]
        return Answer(start["status"], headers, b"".join(message.get("body", b"") for message in messages))

    # ── the application's own server ──

    def token(self, code: str, client_id: str = "orientation", **changes: str) -> Answer:
        declared = CLIENTS[client_id]
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": str(declared["redirect_uris"][0]),
            "code_verifier": VERIFIER,
            **changes,
        }
        return self.form("/token", client_id, fields)

    def form(self, path: str, client_id: str, fields: Mapping[str, str]) -> Answer:
        """An application's form, with its own proof of who it is."""
        fields, method = dict(fields), CLIENTS[client_id].get("authentication_method", "client_secret_basic")
        headers = {"content-type": "application/x-www-form-urlencoded"}
        if method == "client_secret_basic":
            pair = f"{client_id}:{secret_of(client_id)}".encode()
            headers["authorization"] = "Basic " + base64.b64encode(pair).decode()
        else:
            fields["client_id"] = client_id
        if method == "client_secret_post":
            fields["client_secret"] = secret_of(client_id)
        return self.ask("POST", path, body=urlencode(fields).encode(), headers=headers)

    def refreshed(self, refresh_token: str, client_id: str = "orientation") -> Answer:
        return self.form("/token", client_id, {"grant_type": "refresh_token", "refresh_token": refresh_token})

    def introspected(self, token: str, client_id: str = "orientation") -> dict[str, Any]:
        answer = self.form("/introspect", client_id, {"token": token})
        assert answer.status == 200, answer.text
        return answer.json

    def tokens(self, code: str, client_id: str = "orientation") -> dict[str, Any]:
        answer = self.token(code, client_id)
        assert answer.status == 200, answer.text
        return answer.json

    def userinfo(self, access_token: str) -> Answer:
        return self.ask("GET", "/userinfo", headers={"authorization": f"Bearer {access_token}"})


@dataclass
class Browser:
    """Keeps cookies as browsers do for one https site; fills forms; follows nothing by itself."""

    gateway: Gateway
    cookies: dict[str, str] = field(default_factory=dict)
    trail: list[Answer] = field(default_factory=list)
    peer: str = "192.0.2.7"

    def ask(self, method: str, target: str, *, body: bytes = b"", **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            named["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.gateway.ask(method, target, body=body, headers=named, peer=self.peer)
        for name, line in answer.headers:
            if name == "set-cookie":
                self._keep(line)
        self.trail.append(answer)
        return answer

    def _keep(self, line: str) -> None:
        pair, *attributes = line.split("; ")
        name, _, value = pair.partition("=")
        if any(attribute.startswith(("Max-Age=0", "Expires=Thu, 01 Jan 1970")) for attribute in attributes):
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = value

    def get(self, target: str, **headers: str) -> Answer:
        return self.ask("GET", target, **headers)

    def post(self, target: str, fields: Mapping[str, str], **headers: str) -> Answer:
        sent = {"content_type": "application/x-www-form-urlencoded", "origin": ISSUER, **headers}
        return self.ask("POST", target, body=urlencode(dict(fields)).encode(), **sent)

    def submit(self, page: Answer, action: str, **fields: str) -> Answer:
        return self.post(action, {**hidden_fields(page, action), **fields})

    def onward(self, answer: Answer) -> Answer:
        """Follows our own redirects until a page, or an address elsewhere."""
        while answer.status == 303 and answer.location.startswith("/"):
            answer = self.get(answer.location)
        return answer

    @property
    def session(self) -> Session | None:
        return self.gateway.session(self.cookies.get("__Host-session"))

    # ── walks ──

    def authorize(self, client_id: str = "orientation", **changes: str | None) -> Answer:
        return self.get("/authorize?" + urlencode(parameters(client_id, **changes)))

    def sign_in(self, start: Answer | None = None, username: str = "camille", *, channel: str | None = None) -> Answer:
        """Password and code, from the answer of /authorize (or the start page); the last answer."""
        answer = self.onward(start if start is not None else self.get("/signin"))
        if "/password" in answer.text:
            answer = self.give_password(answer, username)
        if answer.status == 200 and "/code" in answer.text:
            answer = self.give_code(answer, channel)
        return answer

    def give_password(self, page: Answer, username: str = "camille", password: str = PASSWORD) -> Answer:
        action = action_of(page, "password")
        return self.onward(self.submit(page, action, identifier=username, password=password))

    def give_code(self, page: Answer, channel: str | None = None) -> Answer:
        action = action_of(page, "code")
        if channel is not None:
            resend = f"{action}/resend"
            page = self.onward(self.post(resend, {**hidden_fields(page, resend), "channel": channel}))
        return self.onward(self.submit(page, action, code=self.gateway.sent_code()))

    def choose(self, page: Answer, structure_id: str) -> Answer:
        return self.onward(self.submit(page, action_of(page, "structure"), structure=structure_id))

    def code(self, client_id: str = "orientation", *, channel: str | None = None, **changes: str | None) -> str:
        """A code for the application, signing in when it must."""
        answer = self.authorize(client_id, **changes)
        if not answer.location.startswith("https:"):
            answer = self.sign_in(answer, channel=channel)
        return told(answer)["code"]


def secret_of(client_id: str) -> str:
    return f"{client_id}-" + "k" * 43


def parameters(client_id: str = "orientation", **changes: str | None) -> dict[str, str]:
    declared = CLIENTS[client_id]
    values: dict[str, str | None] = {
        "client_id": client_id,
        "redirect_uri": str(declared["redirect_uris"][0]),
        "response_type": "code",
        "scope": " ".join(declared["scopes"]),
        "state": 'état &="<script>',
        "nonce": "n-0S6_WzA2Mj",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    return {name: value for name, value in values.items() if value is not None}


def told(answer: Answer) -> dict[str, str]:
    """What an application is told in its redirect URI."""
    assert answer.status == 303, (answer.status, answer.text[:800])
    assert answer.location.startswith("https://"), answer.location
    return dict(parse_qsl(urlsplit(answer.location).query, keep_blank_values=True))


def action_of(page: Answer, last: str) -> str:
    found = re.search(rf'action="(/signin/[^"/]+/{last})"', page.text)
    assert found is not None, (last, page.status, page.text[:1500])
    return found[1]


def hidden_fields(page: Answer, action: str) -> dict[str, str]:
    form = re.search(rf'<form[^>]* method="post" action="{re.escape(action)}".*?</form>', page.text, re.DOTALL)
    assert form is not None, (action, page.text[:1500])
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[0])
    return {name: unescape(value) for name, value in found}


def decoded(segment: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return content


def claims_of(token: str) -> dict[str, Any]:
    return decoded(token.split(".")[1])


def header_of(token: str) -> dict[str, Any]:
    return decoded(token.split(".", 1)[0])


def opened(folder: Path, **settings: Any) -> Iterator[Gateway]:
    """For fixtures, and for deployments with other settings."""
    gateway = Gateway(folder, **settings)
    yield gateway
    gateway.close()
