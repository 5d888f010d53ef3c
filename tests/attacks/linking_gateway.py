"""The gateway as deployed, with Pro Santé Connect switched on and its pages; an identity comes in without its network.

What Pro Santé Connect says is another test's subject: here a proved identity is given to linking where the callback does it.
Nobody exists; the RPPS begin with 999.
"""

from pathlib import Path
from typing import Any

import yaml

from gateway.accounts.account import Account
from gateway.accounts.identity_link import LinkKind
from gateway.keys.purposes import Purpose
from gateway.randomness import system_randomness
from gateway.signin.demands import Demands
from gateway.signin.linking.identity import ProvedIdentity
from gateway.signin.linking.link import Linking
from gateway.signin.linking.pending import IdentitySeal
from gateway.signin.request_context import RequestContext
from gateway.wiring.factors import stored_factors
from gateway.wiring.policies import signin_policy
from tests.requirements.assembled import ISSUER, Answer, Browser, Gateway

RPPS, OTHER_RPPS = "99900000003", "99900000011"
PSC = "https://auth.bas.psc.esante.gouv.fr/auth/realms/esante-wallet"
CONTEXT = RequestContext("192.0.2.7", "ua", "incident")


class LinkingGateway(Gateway):
    def __init__(self, folder: Path, **settings: Any) -> None:
        (folder / "psc.secret").write_text("a-secret-of-this-test-and-no-other\n", "utf-8")
        given = {"means": ["psc", "password"], "psc": {"client_secret_file": folder / "psc.secret"}}
        super().__init__(folder, **{**given, **settings})
        database, ephemeral = self.stores.database, self.stores.ephemeral
        policy, keys = signin_policy(self.settings), database.purpose_keys
        self.linking = Linking(
            transactions=ephemeral.transactions,
            accounts=database.accounts,
            identities=database.identities,
            links=database.links,
            sessions=ephemeral.sessions,
            spool=ephemeral.spool,
            demands=Demands(self.reviewed.scale, policy, stored_factors(database, policy)),
            seal=IdentitySeal(keys.get(Purpose.PENDING_IDENTITY), system_randomness),
            link_key=keys.get(Purpose.LINK),
            policy=policy,
            clock=self.clock,
            randomness=system_randomness,
        )

    @staticmethod
    def _review(folder: Path) -> None:
        Gateway._review(folder)
        realm = f"{PSC}/protocol/openid-connect"
        declared = {
            "name": "bas",
            "issuer": PSC,
            "authorization_endpoint": "https://wallet.bas.psc.esante.gouv.fr/auth",
            "token_endpoint": f"{realm}/token",
            "userinfo_endpoint": f"{realm}/userinfo",
            "jwks_uri": f"{realm}/certs",
            "end_session_endpoint": f"{realm}/logout",
            "client_id": "passerelle-test",
            "redirect_uri": f"{ISSUER}/signin/psc/callback",
            "post_logout_redirect_uris": [f"{ISSUER}/signin/psc/logged-out"],
        }
        (folder / "psc.yaml").write_text(yaml.safe_dump(declared), "utf-8")

    def identity(self, **changes: Any) -> ProvedIdentity:
        """Camille Exemple's, as Pro Santé Connect spells her."""
        now = self.clock.now()
        said: dict[str, Any] = {
            "kind": LinkKind.PSC,
            "issuer": PSC,
            "subject": f"f:2c9e:8{changes.get('rpps', RPPS)}",
            "national_id": f"8{changes.get('rpps', RPPS)}",
            "rpps": RPPS,
            "family_name": "EXEMPLE",
            "given_name": "CAMILLE",
            "profession": "60^1.2.250.1.71.1.2.7",
            "proved_at": now,
            "expires_at": now + 4 * 3600,
            "upstream_acr": "eidas1",
        }
        return ProvedIdentity(**(said | changes))

    def comes(self, browser: Browser, handle: str, **changes: Any) -> Answer:
        """The identity comes into the transaction; the page that this browser is sent to."""
        txn = self.stores.ephemeral.transactions.find(handle, self.clock.now())
        assert txn is not None
        txn = self.linking.begin(txn, self.identity(**changes), CONTEXT)
        return browser.onward(browser.get(f"/signin/{txn.handle}"))

    def links_of(self, account: Account) -> list[str]:
        return [link.subject for link in self.stores.database.identities.of(account.id)]


def handle_of(answer: Answer) -> str:
    """The handle in the address of a page's forms."""
    _, _, rest = answer.text.partition('action="/signin/')
    return rest.partition("/")[0]
