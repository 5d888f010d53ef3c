"""The gateway as it is deployed, with Pro Santé Connect switched on before the simulator, both at one clock.

The simulator is started once for many gateways; a gateway is made anew, or only its application (`restart`), which then has an
empty key cache and a closed breaker, as after a deployment.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml

from gateway.accounts.account import Account
from gateway.accounts.identity_link import IdentityLink, LinkProof
from gateway.accounts.identity_link import LinkKind as Kind
from gateway.journal.effects import NO_EFFECTS
from gateway.keys.purposes import Purpose
from gateway.randomness import identifier, system_randomness
from gateway.settings import Settings
from gateway.signin.linking.pending import IdentitySeal
from gateway.signin.psc.environment import PscEnvironment, read_psc_environment
from gateway.wiring.application import build
from sandbox.clock import WorldClock
from sandbox.psc import PscOptions, RunningPsc, running_psc
from tests.fakes import SetClock
from tests.requirements.assembled import ISSUER, Answer, Browser, Gateway, action_of

CLIENT_ID = "passerelle-test"
SECRET = "canary-of-our-own-secret-0123456789"
CALLBACK = f"{ISSUER}/signin/psc/callback"
LEFT = f"{ISSUER}/signin/psc/logged-out"
PSC = "urn:passerelle:acr:psc"


class ClockOfGateway(WorldClock):
    """The simulator lives at the gateway's instant."""

    def __init__(self) -> None:
        super().__init__(None)
        self.gateway = SetClock()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.gateway.at, UTC)


class Simulator:
    """One simulator for a module's tests."""

    def __init__(self, psc: RunningPsc, clock: ClockOfGateway, secret_file: Path) -> None:
        self.psc, self.clock, self.secret_file = psc, clock, secret_file


@contextmanager
def simulated(folder: Path) -> Iterator[Simulator]:
    clock, secret_file = ClockOfGateway(), folder / "psc.secret"
    secret_file.write_text(f"{SECRET}\n", "utf-8")
    with running_psc(PscOptions(CLIENT_ID, secret_file), clock=clock) as psc:
        psc.declare(redirect_uri=CALLBACK, post_logout_redirect_uri=LEFT)  # not loopback: nobody is ever sent there
        yield Simulator(psc, clock, secret_file)


class PscGateway(Gateway):
    """`means` is read at each start; the other settings are those of `Gateway`."""

    def __init__(
        self, folder: Path, simulator: Simulator, *, means: tuple[str, ...] = ("psc", "password"), **settings: Any
    ) -> None:
        self.simulator, self.psc = simulator, simulator.psc
        simulator.psc.be_honest()
        self.folder = folder
        secret = {"client_secret_file": simulator.secret_file}
        super().__init__(folder, means=["password"], psc=secret, **settings)
        simulator.clock.gateway = self.clock
        self.environment = self.declared()
        self.restart(means=list(means))

    def declared(self, **changes: Any) -> PscEnvironment:
        """The environment as psc.yaml would declare it in the demo: other profiles refuse a simulator, and are given it."""
        base = f"{self.psc.issuer}/protocol/openid-connect"
        written = {
            "name": "simulator",
            "issuer": self.psc.issuer,
            "authorization_endpoint": f"{self.psc.wallet_url}/auth",
            "token_endpoint": f"{base}/token",
            "userinfo_endpoint": f"{base}/userinfo",
            "jwks_uri": f"{base}/certs",
            "end_session_endpoint": f"{base}/logout",
            "metadata_address": self.psc.discovery_url,
            "iss_parameter": self.psc.keycloak == "modern",
            "client_id": CLIENT_ID,
            "redirect_uri": CALLBACK,
            "post_logout_redirect_uris": [LEFT],
            "limits": {"connect_seconds": 1, "answer_seconds": 1},
            **changes,
        }
        file = self.folder / "psc.yaml"
        file.write_text(yaml.safe_dump(written), "utf-8")
        return read_psc_environment(file, profile="demo")

    def restart(self, **settings: Any) -> None:
        """Also with `profile="regulated"`, which refuses to begin with a simulator."""
        changed = {**self.settings.model_dump(exclude_unset=True), **settings}
        self.settings = Settings.model_validate(changed)
        psc = self.environment if "psc" in self.settings.means else None
        self.reviewed = replace(self.reviewed, psc=psc)
        self.application = build(self.settings, self.reviewed, self.stores)

    def renewed(self) -> "PscGateway":
        """For the next test: people and clock stay; the application, the browser and the journal are new."""
        self.psc.be_honest()
        self.simulator.clock.gateway = self.clock
        self.environment = self.declared()
        self.restart(means=["psc", "password"], profile="standard")
        self.browser = self.another_browser()
        spool = self.stores.ephemeral.spool
        spool.drop_events([spool_id for spool_id, _ in spool.take_events(10_000)])
        return self

    # ── who ──

    def holder_of(self, persona: str = "elodie", **changes: Any) -> Account:
        """The account of a persona, under the persona's key, not linked."""
        person = self.psc.persona(persona)
        facts = {"family_name": person.family_name.title(), "given_name": person.given_name.title()}
        return self.person(persona, **{**facts, **changes})

    def linked(self, persona: str = "elodie", account: Account | None = None, **changes: Any) -> Account:
        """The account of a persona, linked a while ago."""
        account = account or self.holder_of(persona, **changes)
        link = self.link_of(persona, account)
        return self.stores.database.identities.commit(link, account, NO_EFFECTS)

    def link_of(self, persona: str, account: Account) -> IdentityLink:
        person, now = self.psc.persona(persona), self.clock.now()
        number = person.national_id.removeprefix("8") if len(person.national_id) == 12 else None
        return IdentityLink(
            id=identifier(system_randomness),
            account_id=account.id,
            kind=Kind.PSC,
            issuer=self.psc.issuer,
            subject=self.psc.realm.subject_of(person),
            national_id=person.national_id,
            rpps=number,
            proof=LinkProof.CREDENTIALS,
            created_at=now,
            last_used_at=now,
        )

    def seal(self) -> IdentitySeal:
        return IdentitySeal(self.stores.database.purpose_keys.get(Purpose.PENDING_IDENTITY), system_randomness)

    def another_browser(self) -> Browser:
        return Browser(self)

    # ── walks ──

    def asked(self, start: Answer | None = None, browser: Browser | None = None, *, afresh: bool = False) -> str:
        """The address at Pro Santé Connect that a journey of this browser leads to."""
        browser = browser or self.browser
        answer = browser.get(f"{journey_of(start or browser.authorize())}/psc{'?afresh' * afresh}")
        assert answer.status == 303, (answer.status, answer.text[:800])
        assert answer.location.startswith(f"{self.environment.authorization_endpoint}?"), answer.location
        return answer.location

    def answer_of_psc(self, address: str, persona: str = "elodie", **gesture: Any) -> str:
        """Path and query of our callback, after the person's gestures."""
        address = self.psc.visitor().sign_in(address, persona, **gesture)
        assert address.startswith(f"{CALLBACK}?")
        return address.removeprefix(ISSUER)

    def callback(self, persona: str = "elodie", start: Answer | None = None, **gesture: Any) -> str:
        """The answer of Pro Santé Connect, not opened yet."""
        return self.answer_of_psc(self.asked(start), persona, **gesture)

    def by_psc(self, persona: str = "elodie", start: Answer | None = None, **gesture: Any) -> Answer:
        """From /authorize by Pro Santé Connect to the next page, or the application."""
        return self.browser.onward(self.browser.get(self.callback(persona, start, **gesture)))

    def noted(self, name: str = "signin.psc") -> Any:
        """The last line of this name."""
        return self.events(name)[-1]

    def advance(self, by: timedelta | float) -> None:
        self.clock.advance(by.total_seconds() if isinstance(by, timedelta) else by)


def journey_of(answer: Answer) -> str:
    """The path of the journey that an answer leads to, or is a page of."""
    path = urlsplit(answer.location).path if answer.status == 303 else action_of(answer, "cancel")
    assert path.startswith("/signin/"), path
    return "/".join(path.split("/")[:3])


def question(address: str) -> dict[str, str]:
    """The parameters of an address."""
    return dict(parse_qsl(urlsplit(address).query, keep_blank_values=True))
