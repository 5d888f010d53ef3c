"""Claire with an authenticator application and a recovery sheet, in the world of the sign-in."""

import pyotp

from gateway.accounts.account import Account
from gateway.signin.totp.application import introduction
from gateway.signin.transaction import Demand, SigninTransaction
from tests.unit.signin.world import CONTEXT, World

PERIOD = 30


class Application:
    """A telephone that was shown the secret: an implementation of RFC 6238 that is not ours."""

    def __init__(self, shown: str) -> None:
        self._codes = pyotp.TOTP(shown.replace(" ", ""))

    def code(self, at: float, *, steps: int = 0) -> str:
        return self._codes.at(int(at), counter_offset=steps)


def enrolled(world: World, account: Account | None = None, label: str = "Mon téléphone") -> Application:
    """Enrolled and activated; a moment passes, so that the code of the activation is not the next one."""
    account = account or world.claire
    waiting = world.enrolment.begin(account, label, CONTEXT)
    shown = introduction(waiting.secret, username=account.username, service="Portail")
    application = Application(shown.secret)
    world.enrolment.confirm(account, waiting.id, application.code(world.clock.now()), CONTEXT)
    world.clock.advance(2 * PERIOD)
    return application


def with_totp(world: World, application: Application, demand: Demand | None = None) -> SigninTransaction:
    txn = world.with_password(demand)
    return world.totp.submit(txn, application.code(world.clock.now()), CONTEXT)[0]


def wrong(application: Application, at: float) -> str:
    """Of no step that could be accepted."""
    near = {application.code(at, steps=step) for step in (-1, 0, 1)}
    return next(code for code in ("000000", "111111", "222222", "333333") if code not in near)
