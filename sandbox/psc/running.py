"""Starts the simulated Pro Santé Connect on its two origins, alone or inside the whole local world, and stops it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from sandbox.clock import WorldClock
from sandbox.http_server import HttpServer
from sandbox.loopback import LoopbackAddress
from sandbox.psc.auth_site import auth_site
from sandbox.psc.client import RegisteredClient
from sandbox.psc.conduct import Conduct, KeycloakShape
from sandbox.psc.journal import ReceivedRequest
from sandbox.psc.lies import Lie
from sandbox.psc.options import PscOptions, PscRefusal, accepted_psc_addresses
from sandbox.psc.personas import Persona, Personas, UnreadablePersonas
from sandbox.psc.quirks import Quirk
from sandbox.psc.realm import Realm
from sandbox.psc.visitor import Visitor
from sandbox.psc.wallet_site import wallet_site
from sandbox.world.approvals import Approval, ApprovalGone, Approvals


@dataclass
class RunningPsc:
    """What a test holds: `realm` is everything inside; the rest are the gestures that tests make most."""

    realm: Realm

    @property
    def issuer(self) -> str:
        return self.realm.issuer

    @property
    def discovery_url(self) -> str:
        return f"{self.issuer}/.well-known/wallet-openid-configuration"

    @property
    def wallet_url(self) -> str:
        return self.realm.wallet_url

    @property
    def lie(self) -> Lie | None:
        """Settable: from then on it lies in this one thing; None is honest again. ValueError on an unknown name."""
        return self.realm.conduct.lie

    @lie.setter
    def lie(self, lie: Lie | str | None) -> None:
        self.realm.conduct.lie = lie

    @property
    def quirk(self) -> Quirk | None:
        """Settable, as `lie`."""
        return self.realm.conduct.quirk

    @quirk.setter
    def quirk(self, quirk: Quirk | str | None) -> None:
        self.realm.conduct.quirk = quirk

    @property
    def acr(self) -> str:
        """Settable: the level said by the tokens to come."""
        return self.realm.conduct.acr

    @acr.setter
    def acr(self, acr: str) -> None:
        self.realm.conduct.acr = acr

    @property
    def keycloak(self) -> KeycloakShape:
        """Settable: `legacy` or `modern`."""
        return self.realm.conduct.keycloak

    @keycloak.setter
    def keycloak(self, keycloak: KeycloakShape) -> None:
        self.realm.conduct.keycloak = keycloak

    def be_honest(self) -> None:
        """Back to the first day: no lie, no quirk, level and shape as started, nobody signed in, nothing asked."""
        self.realm.conduct.be_honest()
        self.realm.sessions.end_all()
        self.realm.approvals.clear()
        self.realm.journal.clear()

    def declare(self, *, redirect_uri: str | None = None, post_logout_redirect_uri: str | None = None) -> None:
        """Registers one more address of the client, whose port is known late."""
        if redirect_uri:
            self.realm.client.redirect_uris.add(redirect_uri)
        if post_logout_redirect_uri:
            self.realm.client.post_logout_redirect_uris.add(post_logout_redirect_uri)

    def persona(self, key: str) -> Persona:
        return self.realm.personas.by_key(key)

    def pending(self) -> list[Approval]:
        return self.realm.approvals.pending(self.realm.clock.now())

    def approve(self, approval_id: str | None = None) -> None:
        """On the phone: « Valider » the given demand, or the newest. Raises ApprovalGone when none waits."""
        self._answer(approval_id, approve=True)

    def refuse(self, approval_id: str | None = None) -> None:
        self._answer(approval_id, approve=False)

    def rotate_keys(self) -> None:
        self.realm.keys.rotate()

    def drop_retired_keys(self) -> None:
        self.realm.keys.drop_retired()

    def requests_to(self, place: str) -> list[ReceivedRequest]:
        """`authorize`, `token`, `userinfo`, `certs`, `discovery`, `logout`, `introspect`, `elsewhere/token`…"""
        return self.realm.journal.to(place)

    def visitor(self) -> Visitor:
        """A new browser, without cookies."""
        return Visitor(self)

    def _answer(self, approval_id: str | None, *, approve: bool) -> None:
        waiting = self.pending()
        if approval_id is None and not waiting:
            raise ApprovalGone("nothing waits for an answer on the phone")
        self.realm.approvals.answer(approval_id or waiting[-1].id, approve=approve, now=self.realm.clock.now())


@contextmanager
def running_psc(
    options: PscOptions, *, clock: WorldClock | None = None, approvals: Approvals | None = None, world_url: str = ""
) -> Iterator[RunningPsc]:
    """Both origins answer when the block is entered and are closed when it is left. Raises PscRefusal."""
    auth_address, wallet_address = accepted_psc_addresses(options)
    try:
        personas = Personas.read(options.personas_file)
    except UnreadablePersonas as refusal:
        raise PscRefusal(f"The simulated Pro Santé Connect does not start: {refusal}.") from refusal
    with ExitStack() as listeners:
        auth_server = _listen("psc", auth_address)
        listeners.callback(auth_server.stop)
        wallet_server = _listen("wallet", wallet_address)
        listeners.callback(wallet_server.stop)
        realm = Realm(
            auth_url=auth_server.url,
            wallet_url=wallet_server.url,
            client=RegisteredClient(
                client_id=options.client_id,
                secret_file=options.client_secret_file,
                name=options.client_name,
                auth_methods=options.client_auth_methods,
                redirect_uris=set(options.redirect_uris),
                post_logout_redirect_uris=set(options.post_logout_redirect_uris),
                backchannel_logout_uri=options.backchannel_logout_uri,
            ),
            personas=personas,
            conduct=Conduct(lie=options.lie, quirk=options.quirk, acr=options.acr, keycloak=options.keycloak),
            approvals=approvals or Approvals(),
            clock=clock or WorldClock(None),
            standard_discovery=options.standard_discovery,
        )
        # Slow answers end first, or the listeners would wait for them.
        listeners.callback(realm.conduct.release)
        auth_server.start(auth_site(realm))
        wallet_server.start(wallet_site(realm, world_url=world_url))
        yield RunningPsc(realm)


def _listen(option: str, address: LoopbackAddress) -> HttpServer:
    try:
        return HttpServer(address, option)
    except OSError as failure:
        reason = failure.strerror or str(failure)
        raise PscRefusal(f"The sandbox cannot listen on --{option} {address}: {reason}.") from failure
