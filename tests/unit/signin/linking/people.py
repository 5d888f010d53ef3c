"""A sign-in where identities can be linked, and the people who have one. Nobody exists; the RPPS begin with 999."""

from typing import Any

from gateway.accounts.account import Account
from gateway.accounts.identity_link import IdentityLink, LinkKind
from gateway.accounts.one_time_link import LinkPurpose, link_token, new_link
from gateway.journal.effects import NO_EFFECTS
from gateway.signin.evidence import Means
from gateway.signin.linking.identity import ProvedIdentity
from gateway.signin.linking.link import Linking
from gateway.signin.linking.not_me import LinkDisputes
from gateway.signin.linking.unlink import LinkedIdentities
from gateway.signin.policy import DAY, SigninPolicy
from gateway.signin.transaction import Demand, SigninTransaction
from tests.unit.signin.world import CONTEXT, PASSWORD, World

RPPS, OTHER_RPPS = "99900000011", "99900000029"
ISSUER = "https://auth.psc.exemple.invalid/realms/esante"


class LinkingWorld(World):
    """Claire has an account with a password and her RPPS, declared; Pro Santé Connect knows her as CLAIRE FONTAINE."""

    def __init__(self, policy: SigninPolicy | None = None) -> None:
        every = frozenset({Means.PASSWORD, Means.PSC, Means.CARD})
        super().__init__(policy or SigninPolicy(otp_interval_seconds=30 * DAY, means=every))
        self.linking = Linking(
            transactions=self.transactions,
            accounts=self.accounts,
            identities=self.identities,
            links=self.links,
            sessions=self.sessions,
            spool=self.written,
            demands=self.demands,
            seal=self.seal,
            link_key=self.link_key,
            policy=self.policy,
            clock=self.clock,
            randomness=self.randomness,
        )
        self.disputes = LinkDisputes(
            identities=self.identities,
            links=self.links,
            sessions=self.sessions,
            policy=self.policy,
            clock=self.clock,
        )
        self.linked_identities = LinkedIdentities(
            identities=self.identities, passkeys=self.passkey_store, sessions=self.sessions, clock=self.clock
        )

    def identity(self, **changes: Any) -> ProvedIdentity:
        now = self.clock.now()
        rpps = changes.get("rpps", RPPS)
        said: dict[str, Any] = {
            "kind": LinkKind.PSC,
            "issuer": ISSUER,
            "subject": f"f:0b5e:8{rpps}",
            "national_id": None if rpps is None else f"8{rpps}",
            "rpps": rpps,
            "family_name": "FONTAINE",
            "given_name": "CLAIRE",
            "profession": "60^1.2.250.1.71.1.2.7",
            "proved_at": now,
            "expires_at": now + 4 * 3600,
            "upstream_acr": "eidas1",
            "upstream_amr": ("pwd",),
            "id_token": "upstream.id.token",
        }
        return ProvedIdentity(**(said | changes))

    def arrived(self, demand: Demand | None = None, **changes: Any) -> SigninTransaction:
        """Somebody comes back from the means."""
        return self.linking.begin(self.open(demand), self.identity(**changes), CONTEXT)

    def with_credentials(self, *, who: str = "claire", code: bool = True, **changes: Any) -> SigninTransaction:
        """An identity that nobody here has, "I have an account", the password, and the code."""
        txn = self.linking.choose_existing(self.arrived(**changes))
        txn = self.password.submit(txn, who, PASSWORD, CONTEXT)
        return self.coded(txn) if code else txn

    def coded(self, txn: SigninTransaction) -> SigninTransaction:
        return self.code.submit(self.code.start(txn, CONTEXT), self.sent_code(), CONTEXT)[0]

    def linked(self, **changes: Any) -> SigninTransaction:
        """Claire has linked her identity; a moment passes."""
        txn = self.linking.confirm(self.with_credentials(**changes), CONTEXT)
        self.clock.advance(1)
        return txn

    def only_link(self) -> IdentityLink:
        (link,) = self.identities.records.values()
        return link

    def activation_token(self, account: Account) -> str:
        link = new_link(
            self.link_key,
            LinkPurpose.ACTIVATION,
            account_id=account.id,
            contact_version=account.contact_version,
            now=self.clock.now(),
            ttl_seconds=3600,
            randomness=self.randomness,
        )
        self.links.issue(link, NO_EFFECTS)
        return link_token(self.link_key, LinkPurpose.ACTIVATION, link.id)

    def not_me_token(self) -> str:
        return link_token(self.link_key, LinkPurpose.NOT_ME, self.only_link().id)
