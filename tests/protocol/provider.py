"""A whole provider on stores in memory: real rules, real endpoints, real tokens."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import flask
from joserfc.jwk import ECKey, OKPKey, RSAKey
from werkzeug.test import TestResponse

from gateway.applications.client import Client, ClientAuthenticationMethod, ResponseMode
from gateway.applications.client_key import ClientKey
from gateway.applications.ports import SecretSlot
from gateway.journal.effects import NO_EFFECTS
from gateway.keys.client_certificate import CertificateAuthorities
from gateway.keys.key_ring import KeyRing
from gateway.keys.purposes import Purpose, PurposeKey
from gateway.keys.rotation import new_key
from gateway.keys.signer import Signer
from gateway.keys.signing_key import Algorithm, KeyState
from gateway.oidc.access_tokens import AccessTokens
from gateway.oidc.authorization import Authorization
from gateway.oidc.authorization_request import Rules
from gateway.oidc.client_assertion import ClientAssertions
from gateway.oidc.client_authentication import ClientAuthentication, SecretSlots
from gateway.oidc.client_certificate import ClientCertificates
from gateway.oidc.client_request import ClientRequests
from gateway.oidc.dpop import DpopProofs
from gateway.oidc.dpop_nonces import DpopNonces
from gateway.oidc.endpoints.answers import BrowserClients
from gateway.oidc.endpoints.authorization import authorization_blueprint
from gateway.oidc.endpoints.discovery import discovery_endpoint
from gateway.oidc.endpoints.end_session import EndSession, end_session_blueprint
from gateway.oidc.endpoints.habilitations import habilitations_endpoint
from gateway.oidc.endpoints.introspection import introspection_endpoint
from gateway.oidc.endpoints.jwks import jwks_endpoint
from gateway.oidc.endpoints.pushed_request import pushed_request_endpoint
from gateway.oidc.endpoints.revocation import revocation_endpoint
from gateway.oidc.endpoints.session_activity import SESSION_ACTIVITY, session_activity_endpoint
from gateway.oidc.endpoints.session_watch import SESSION_WATCH, session_watch_endpoint
from gateway.oidc.endpoints.token import token_endpoint
from gateway.oidc.endpoints.userinfo import userinfo_endpoint
from gateway.oidc.grants.authorization_code import AuthorizationCodeGrant
from gateway.oidc.grants.client_credentials import ClientCredentialsGrant
from gateway.oidc.grants.refresh_token import RefreshTokenGrant
from gateway.oidc.grants.token_exchange import NAME as TOKEN_EXCHANGE
from gateway.oidc.grants.token_exchange import TokenExchangeGrant
from gateway.oidc.habilitations import MyHabilitations
from gateway.oidc.introspection import Introspection
from gateway.oidc.live_reads import LiveReads
from gateway.oidc.policy import ProviderPolicy
from gateway.oidc.ports import (
    AuthorizationCodes,
    Grants,
    Notes,
    Person,
    PushedRequests,
    RequestPushes,
    SessionGate,
    SigninJourney,
    StructureRights,
    UsedProofs,
)
from gateway.oidc.presented_token import PresentedTokens
from gateway.oidc.pushed_request import PushedAuthorizationRequests
from gateway.oidc.refresh_tokens import RefreshTokens
from gateway.oidc.revocation import Revocation
from gateway.oidc.sender_constraint import SenderConstraints
from gateway.oidc.session_activity import SessionActivity
from gateway.oidc.subjects import Subjects
from gateway.oidc.token_request import TokenRequests
from gateway.oidc.tokens import TokenMint
from gateway.oidc.told_person import ToldPeople
from gateway.oidc.userinfo import Userinfo
from gateway.randomness import handle, partition_of, system_randomness
from gateway.signin.assurance import AssuranceScale
from gateway.signin.evidence import Evidence, Means
from gateway.signin.farewell.farewell import Farewells
from gateway.signin.session import Session
from gateway.storage.ephemeral import EphemeralStore
from gateway.web.machine_door import MachineRequest, MachineResponse
from gateway.web.shell import Shell, TenantDisplay
from tests.protocol.fakes import (
    EmptySpool,
    FakeGate,
    FakeJourney,
    FakePeople,
    HandClock,
    MemoryClients,
    MemoryEphemeral,
    MemoryKeys,
    MemorySecrets,
    Notebook,
)

ISSUER = "https://portail.example"
CALLBACK = "https://orientation.example/callback"
AFTER_LOGOUT = "https://orientation.example/bye"
ACCOUNT = "5b0c2f0e-7a51-4a8e-9f0d-3f1f6f0f0a01"
SECRET = "k" * 43
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ALL_SCOPES = frozenset({"openid", "profile", "email", "rpps", "profession", "ror"})
PWD = "urn:passerelle:acr:pwd"
OTP_MAIL = "urn:passerelle:acr:pwd-otp-mail"
OTP_SMS = "urn:passerelle:acr:pwd-otp-sms"

Result = TypeVar("Result")


async def at_once(call: Callable[[], Result], /) -> Result:
    return call()


def client(client_id: str = "orientation", **changes: Any) -> Client:
    values: dict[str, Any] = {
        "client_id": client_id,
        "name": {"fr": "Orientation", "en": "Orientation"},
        "redirect_uris": (CALLBACK,),
        "post_logout_redirect_uris": (AFTER_LOGOUT,),
        "authentication_method": ClientAuthenticationMethod.CLIENT_SECRET_BASIC,
        "scopes": ALL_SCOPES,
        "audience": f"https://{client_id}.example/api",
        "role_application": "handicap",
    }
    return Client(**{**values, **changes})


PUBLIC = client(
    "suivi",
    authentication_method=ClientAuthenticationMethod.NONE,
    redirect_uris=("https://suivi.example/app/callback",),
    role_application="suivi",
)
OTHER = client("autre", redirect_uris=("https://autre.example/callback",))
LEGACY = client("ancien", redirect_uris=("https://ancien.example/cb?lang=fr",), legacy_no_pkce_reason="closed product")
POSTING = client(
    "postant",
    authentication_method=ClientAuthenticationMethod.CLIENT_SECRET_POST,
    redirect_uris=("https://postant.example/cb",),
    scopes=frozenset({"openid", "profile"}),
    id_token_algorithm="RS256",
)

DURABLE = client("durable", redirect_uris=("https://durable.example/cb",), refresh_tokens=True)
MOBILE = client(
    "mobile",
    redirect_uris=("https://mobile.example/cb",),
    authentication_method=ClientAuthenticationMethod.NONE,
    refresh_tokens=True,
)
SERVICE = client(
    "service", redirect_uris=(), scopes=frozenset(), service_scopes=frozenset({"directory_read", "stats_read"})
)
FACADE = client(
    "facade",
    redirect_uris=("https://facade.example/cb",),
    audience="https://relais.example/api",
    refresh_tokens=True,
    may_act="relais",
)
RELAY = client(
    "relais",
    redirect_uris=(),
    scopes=frozenset(),
    exchanges={"https://notif.example/api": frozenset({"openid", "ror"})},
)
NOTIF = client(
    "notif", redirect_uris=(), scopes=frozenset(), service_scopes=frozenset({"notif_read"}), role_application="notif"
)
"""The façade's pages call the relay with the person's token; the relay acts for her at the notifications."""

CLIENT_KEYS = {
    "ES256": ECKey.generate_key("P-256"),
    "EdDSA": OKPKey.generate_key("Ed25519"),
    "PS256": RSAKey.generate_key(2048),
}
"""What the client `signant` signs its requests with."""


def public_key(algorithm: str) -> ClientKey:
    members = CLIENT_KEYS[algorithm].as_dict(private=False)
    parts = {name: str(value) for name, value in members.items() if name in {"kty", "crv", "x", "y", "n", "e"}}
    return ClientKey(algorithm.lower(), algorithm, parts)


SIGNING = client(
    "signant",
    redirect_uris=("https://signant.example/cb", "https://signant.example/other"),
    keys=tuple(public_key(algorithm) for algorithm in CLIENT_KEYS),
)
POSTED = client(
    "forme",
    redirect_uris=("https://forme.example/cb?lang=fr",),
    response_modes=(ResponseMode.QUERY, ResponseMode.FORM_POST),
)

SIGNING_KEYS = [
    new_key(Algorithm.ES256, KeyState.ACTIVE, now=0.0, randomness=system_randomness),
    new_key(Algorithm.RS256, KeyState.ACTIVE, now=0.0, randomness=system_randomness, rsa_bits=2048),
    new_key(Algorithm.PS256, KeyState.ACTIVE, now=0.0, randomness=system_randomness, rsa_bits=2048),
    new_key(Algorithm.EDDSA, KeyState.ACTIVE, now=0.0, randomness=system_randomness),
]


def structure(number: int = 1, **changes: Any) -> StructureRights:
    values: dict[str, Any] = {
        "id": f"fineg:99{number:07d}",
        "name": f"Foyer fictif {number}",
        "roles": ("msph.notif",),
        "entitlements": ("notif.declare", "notif.repondre"),
        "end": "2028-03-01",
    }
    return StructureRights(**{**values, **changes})


class Provider:
    """`store`: the real ephemeral store for codes, grants and journal lines; without it, all in memory."""

    def __init__(self, store: EphemeralStore | None = None) -> None:
        self.store = store
        self.clock = HandClock()
        self.ephemeral = MemoryEphemeral()
        self.clients = MemoryClients(
            client(), PUBLIC, OTHER, LEGACY, POSTING, DURABLE, MOBILE, SERVICE, SIGNING, POSTED, FACADE, RELAY, NOTIF
        )
        self.secrets = MemorySecrets()
        for client_id in (
            "orientation",
            "autre",
            "ancien",
            "postant",
            "durable",
            "service",
            "signant",
            "forme",
            "facade",
            "relais",
            "notif",
        ):
            secret_digest = hashlib.sha256(secret_of(client_id).encode()).digest()
            self.secrets.put(SecretSlot(client_id, 1, secret_digest, 0.0, None), NO_EFFECTS)
        self.people = FakePeople(
            Person(
                account_id=ACCOUNT,
                active=True,
                given_name="Camille",
                family_name="Exemple",
                email="camille@exemple.example",
                email_verified=True,
                rpps="99900000003",
                rpps_proof="declared",
                profession="60^1.2.250.1.71.1.2.7",
                language="fr",
            )
        )
        self.people.structures = [structure()]
        self.scale = AssuranceScale()
        self.gate = FakeGate(self.ephemeral, self.scale, self.clock)
        self.journey = FakeJourney()
        self.keys = MemoryKeys(SIGNING_KEYS)
        self.ring = KeyRing(self.keys, clock=self.clock)
        self.signer = Signer(self.ring)
        self.policy = ProviderPolicy(issuer=ISSUER)
        self.subjects = Subjects(PurposeKey(Purpose.PAIRWISE_SUBJECT, b"p" * 32))
        self.authorities: CertificateAuthorities | None = None
        self.assemble(self.gate, self.journey)

    def assemble(self, gate: SessionGate, journey: SigninJourney) -> None:
        """Builds the doors, with this gate and this journey."""
        shell = Shell(
            public_origin=ISSUER,
            tenant=TenantDisplay({"fr": "Portail", "en": "Portal"}, "Assistance"),
            form_mac=lambda message: hashlib.sha256(message).digest(),
            randomness=system_randomness,
        )
        codes: AuthorizationCodes = self.store.codes if self.store else self.ephemeral
        grants: Grants = self.store.grants if self.store else self.ephemeral
        notes: Notes = self.store.spool if self.store else Notebook(self.ephemeral)
        pushes: RequestPushes = self.store.pushes if self.store else self.ephemeral
        pushed: PushedRequests = self.store.pushed_requests if self.store else self.ephemeral
        rules = Rules(self.clients, self.signer, self.scale, ISSUER)
        authorization = Authorization(
            rules=rules,
            gate=gate,
            journey=journey,
            codes=codes,
            pushed=pushed,
            people=self.people,
            notes=notes,
            policy=self.policy,
            subjects=self.subjects,
            clock=self.clock,
            randomness=system_randomness,
        )
        farewells = Farewells(
            clients=self.clients,
            spool=self.store.spool if self.store else EmptySpool(),
            clock=self.clock,
            mac=lambda message: hashlib.sha256(b"farewell" + message).digest(),
        )
        end_session = EndSession(
            issuer=ISSUER, clients=self.clients, signer=self.signer, subjects=self.subjects, gate=gate, notes=notes,
            clock=self.clock, shell=shell, farewells=farewells,
        )  # fmt: skip
        app = flask.Flask("gateway")
        shell.install(app)
        app.register_blueprint(authorization_blueprint(authorization, shell))
        app.register_blueprint(end_session_blueprint(end_session, shell))
        self.browser = app.test_client()
        reads = LiveReads(self.people, self.ring, at_once)
        mint = TokenMint(self.signer, self.policy, self.subjects, system_randomness)
        refresh_tokens = RefreshTokens(
            PurposeKey(Purpose.REFRESH_TOKEN, b"r" * 32),
            system_randomness,
            idle_seconds=self.policy.refresh_idle_seconds,
        )
        slots = SecretSlots(self.secrets, clock=self.clock, run_blocking=at_once)
        used: UsedProofs = self.store.used_proofs if self.store else self.ephemeral
        authentication = ClientAuthentication(
            self.clients,
            slots,
            self.clock,
            assertions=ClientAssertions(used, issuer=ISSUER),
            certificates=ClientCertificates(self.authorities),
        )
        client_requests = ClientRequests(authentication=authentication, grants=grants, clock=self.clock)
        nonces = DpopNonces(PurposeKey(Purpose.DPOP_NONCE, b"n" * 32))
        constraints = SenderConstraints(DpopProofs(used, nonces, issuer=ISSUER))

        def nonce() -> str:
            return nonces.at(self.clock.now())

        self.nonce = nonce
        access_tokens = AccessTokens(self.signer, issuer=ISSUER)
        requests = TokenRequests(
            client_requests,
            rules={
                "authorization_code": AuthorizationCodeGrant(grants, reads, mint, refresh_tokens, self.policy),
                "refresh_token": RefreshTokenGrant(grants, reads, mint, refresh_tokens, self.policy),
                "client_credentials": ClientCredentialsGrant(grants, mint),
                TOKEN_EXCHANGE: TokenExchangeGrant(grants, reads, mint, access_tokens, self.clients),
            },
            mint=mint,
            constraints=constraints,
        )
        revocation = Revocation(
            client_requests, tokens=access_tokens, refresh_tokens=refresh_tokens, grants=grants, reads=reads
        )
        introspection = Introspection(
            client_requests,
            issuer=ISSUER,
            signer=self.signer,
            tokens=access_tokens,
            refresh_tokens=refresh_tokens,
            clients=self.clients,
            grants=grants,
            reads=reads,
            subjects=self.subjects,
        )
        pushed_requests = PushedAuthorizationRequests(
            client_requests,
            rules=rules,
            reads=reads,
            constraints=constraints,
            pushes=pushes,
            policy=self.policy,
            clock=self.clock,
            randomness=system_randomness,
        )
        presented = PresentedTokens(
            issuer=ISSUER,
            signer=self.signer,
            clients=self.clients,
            reads=reads,
            constraints=constraints,
            scale=self.scale,
        )
        told = ToldPeople(presented, grants=grants, reads=reads, subjects=self.subjects, clock=self.clock)
        userinfo = Userinfo(told, self.signer, issuer=ISSUER)
        browsers = BrowserClients(self.clients)
        self.endpoints = {
            "/token": token_endpoint(requests, browsers, nonce),
            "/userinfo": userinfo_endpoint(userinfo, browsers, nonce),
            "/v1/me/habilitations": habilitations_endpoint(MyHabilitations(told), browsers, nonce),
            SESSION_ACTIVITY: session_activity_endpoint(
                SessionActivity(presented, grants, reads, self.clock), browsers, nonce
            ),
            "/revoke": revocation_endpoint(revocation, browsers),
            "/introspect": introspection_endpoint(introspection),
            "/par": pushed_request_endpoint(pushed_requests, browsers, nonce),
            "/jwks": jwks_endpoint(reads),
            SESSION_WATCH: session_watch_endpoint(),
            "/.well-known/openid-configuration": discovery_endpoint(
                issuer=ISSUER, reads=reads, clients=self.clients, acr_values=[PWD, OTP_MAIL, OTP_SMS]
            ),
        }

    # ── people ──

    def sign_in(self, *means: Means, account_id: str = ACCOUNT) -> Session:
        now = self.clock.now()
        session = Session(
            handle=handle(system_randomness, partition_of(account_id)),
            sid=f"sid-{len(self.ephemeral.sessions)}",
            account_id=account_id,
            started_at=now,
            auth_time=now,
            last_used_at=now,
            absolute_end=now + 4 * 3600,
            idle_seconds=1800,
            evidence=tuple(Evidence(item, now) for item in means or (Means.PASSWORD, Means.EMAIL_CODE)),
        )
        self.ephemeral.sessions[session.handle] = session
        if self.store:
            self.store.sessions.start(session, now, NO_EFFECTS)
        self.browser.set_cookie("__Host-session", session.handle, domain="localhost", secure=False)
        return session

    def authorize(self, *more: tuple[str, str], **changes: str | None) -> TestResponse:
        query = [*parameters(**changes).items(), *more]
        return self.browser.get(f"/authorize?{urlencode(query)}")

    def push(
        self, *more: tuple[str, str], authenticated_as: str | None = None, **changes: str | None
    ) -> MachineResponse:
        """`authenticated_as`: the client whose secret is shown, when it is not the one that the parameters name."""
        fields = parameters(**changes)
        headers = {"content_type": "application/x-www-form-urlencoded"}
        client_id = authenticated_as or fields.get("client_id", "orientation")
        if self.clients.clients[client_id].authentication_method is ClientAuthenticationMethod.CLIENT_SECRET_BASIC:
            headers["authorization"] = basic(client_id, secret_of(client_id))
        return self.machine("POST", "/par", body=urlencode([*fields.items(), *more]).encode(), **headers)

    def code(self, **changes: str | None) -> str:
        """A code for the signed-in person."""
        if not self.ephemeral.sessions:
            self.sign_in()
        answer = answer_of(self.authorize(**changes))
        return answer["code"]

    # ── programs ──

    def machine(
        self, method: str, path: str, *, body: bytes = b"", query: bytes = b"", **headers: str
    ) -> MachineResponse:
        request = MachineRequest(
            method=method,
            path=path,
            query=query,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
            body=body,
            peer="192.0.2.7",
            request_id="REQ1",
        )

        async def ask() -> MachineResponse:
            answer: Awaitable[MachineResponse] = self.endpoints[path](request)
            return await answer

        return asyncio.run(ask())

    def token(self, *more: tuple[str, str], client_id: str = "orientation", **changes: str | None) -> MachineResponse:
        fields: dict[str, str | None] = {"grant_type": "authorization_code", **changes}
        if fields["grant_type"] == "authorization_code":
            redirect_uri = self.clients.clients[client_id].redirect_uris[0]
            fields = {"redirect_uri": redirect_uri, "code_verifier": VERIFIER, **fields}
        return self.form("/token", *more, client_id=client_id, **fields)

    def form(
        self,
        path: str,
        *more: tuple[str, str],
        client_id: str = "orientation",
        accept: str | None = None,
        **fields: str | None,
    ) -> MachineResponse:
        """A client's form, with its own proof of who it is."""
        headers = {"content_type": "application/x-www-form-urlencoded"}
        if accept is not None:
            headers["accept"] = accept
        registered = self.clients.clients[client_id].authentication_method
        if registered is ClientAuthenticationMethod.CLIENT_SECRET_BASIC:
            headers["authorization"] = basic(client_id, secret_of(client_id))
        else:
            fields["client_id"] = client_id
        if registered is ClientAuthenticationMethod.CLIENT_SECRET_POST:
            fields["client_secret"] = secret_of(client_id)
        pairs = [(name, value) for name, value in fields.items() if value is not None]
        return self.machine("POST", path, body=urlencode([*pairs, *more]).encode(), **headers)

    def begin(self, client_id: str, **changes: str | None) -> dict[str, Any]:
        """The tokens that the signed-in person's code gives this client."""
        redirect_uri = self.clients.clients[client_id].redirect_uris[0]
        code = self.code(client_id=client_id, redirect_uri=redirect_uri, **changes)
        answer = self.token(code=code, client_id=client_id)
        assert answer.status == 200, answer.body
        return json_of(answer)

    def tokens(self, **changes: str | None) -> dict[str, Any]:
        response = self.token(code=self.code(**changes))
        assert response.status == 200, response.body
        return json_of(response)

    def userinfo(self, access_token: str) -> MachineResponse:
        return self.machine("GET", "/userinfo", authorization=f"Bearer {access_token}")

    def event_names(self) -> list[str]:
        return [event.name for event in self.ephemeral.events]


def secret_of(client_id: str) -> str:
    return f"{client_id}-{SECRET}"


def parameters(**changes: str | None) -> dict[str, str]:
    values: dict[str, str | None] = {
        "client_id": "orientation",
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid profile rpps ror",
        "state": 'état &="<script>',
        "nonce": "n-0S6_WzA2Mj",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    return {name: value for name, value in values.items() if value is not None}


def answer_of(response: TestResponse) -> dict[str, str]:
    """The parameters given to the application."""
    assert response.status_code == 303, response.get_data(as_text=True)
    return dict(parse_qsl(urlsplit(response.headers["Location"]).query, keep_blank_values=True))


def error_of(response: TestResponse) -> str:
    return answer_of(response).get("error", "")


def json_of(response: MachineResponse) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(response.body)
    return content


def claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def header_of(token: str) -> dict[str, Any]:
    segment = token.split(".", maxsplit=1)[0]
    header: dict[str, Any] = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return header


def basic(client_id: str, secret: str) -> str:
    pair = f"{urlencode({'': client_id})[1:]}:{urlencode({'': secret})[1:]}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def named(value: object) -> str:
    """How a case is named: by its members, since keys are drawn anew in every process of a test run."""
    return " ".join(value) or "nothing" if isinstance(value, dict) else str(value)
