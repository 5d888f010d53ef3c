"""Builds the sign-in that asks nobody (gateway/signin/unattended), for the demo alone."""

from collections.abc import Mapping

from gateway.applications.ports import Clients
from gateway.settings import ConfigurationError, Settings, UnattendedProofs
from gateway.signin.evidence import Means
from gateway.signin.gate import Gate
from gateway.signin.journey import Journey
from gateway.signin.pages import JourneyPages
from gateway.signin.unattended.pages import UnattendedPages
from gateway.signin.unattended.signin import UnattendedSignin
from gateway.web.shell import Shell
from gateway.wiring.policies import signin_policy
from gateway.wiring.stores import Stores

_PROOFS: Mapping[UnattendedProofs, tuple[Means, ...]] = {
    "password+email": (Means.PASSWORD, Means.EMAIL_CODE),
    "password+sms": (Means.PASSWORD, Means.SMS_CODE),
    "psc": (Means.PSC,),
    "card": (Means.CARD,),
}


def unattended_pages(
    settings: Settings, stores: Stores, *, shell: Shell, journey: Journey, gate: Gate, clients: Clients
) -> JourneyPages:
    """Raises ConfigurationError outside the demo, and when nobody there has that user name."""
    if settings.profile != "demo" or settings.unattended is None:
        raise ConfigurationError("unattended: only the demo profile signs anybody in without asking")
    accounts = stores.database.accounts
    account = accounts.find_by_username(settings.unattended.username)
    if account is None:
        raise ConfigurationError(f"unattended.username: nobody here is called {settings.unattended.username}")
    pages = UnattendedPages(shell=shell, journey=journey, gate=gate, clients=clients)
    pages.unattended = UnattendedSignin(
        account_id=account.id,
        proofs=_PROOFS[settings.unattended.proofs],
        journey=journey,
        transactions=stores.ephemeral.transactions,
        accounts=accounts,
        identities=stores.database.identities,
        policy=signin_policy(settings),
        clock=stores.clock,
        randomness=stores.randomness,
    )
    return pages
