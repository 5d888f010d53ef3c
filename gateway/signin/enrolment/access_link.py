"""First access and lost password, by one-time link (section RST)."""

from gateway.accounts.account import Account
from gateway.accounts.one_time_link import LinkPurpose
from gateway.accounts.password_hash import PasswordHasher
from gateway.accounts.password_policy import PasswordPolicy
from gateway.accounts.password_policy import PasswordTooWeak as PasswordTooWeak
from gateway.accounts.ports import Accounts, OneTimeLinks, SessionsEnder
from gateway.clock import Clock
from gateway.keys.purposes import PurposeKey
from gateway.randomness import Randomness
from gateway.refusal import Refusal
from gateway.signin.policy import SigninPolicy
from gateway.signin.ports import Spool, Throttle
from gateway.signin.request_context import RequestContext


class LinkGone(Refusal):
    """Unknown, malformed, used, revoked or expired: one text."""

    code = "link_gone"
    text = "link.gone"


class AccessLinks:
    def __init__(
        self,
        *,
        accounts: Accounts,
        links: OneTimeLinks,
        sessions: SessionsEnder,
        throttle: Throttle,
        spool: Spool,
        hasher: PasswordHasher,
        passwords: PasswordPolicy,
        link_key: PurposeKey,
        throttle_key: PurposeKey,
        policy: SigninPolicy,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        raise NotImplementedError

    def request_reset(self, identifier: str, context: RequestContext) -> None:
        raise NotImplementedError

    def inspect(self, token: str, purpose: LinkPurpose) -> Account:
        raise NotImplementedError

    def set_password(self, token: str, purpose: LinkPurpose, password: str, context: RequestContext) -> Account:
        raise NotImplementedError
