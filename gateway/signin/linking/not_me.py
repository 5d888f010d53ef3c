""" "It was not me": whoever reads a verified address of the account stops a link that somebody else made (LNK-09).

The path is open for 72 hours after the link and serves once. It freezes the identity, ends the sessions, and gives nothing:
no session, no password, no way to another account.
"""

from gateway.accounts.identity_link import IdentityLink
from gateway.accounts.one_time_link import LinkPurpose, OneTimeLink, token_digest
from gateway.accounts.ports import IdentityLinks, OneTimeLinks, SessionsEnder
from gateway.clock import Clock
from gateway.journal.events import Outcome
from gateway.signin.enrolment.access_link import LinkGone
from gateway.signin.journal_lines import Lines
from gateway.signin.linking.live_link import live_link
from gateway.signin.policy import SigninPolicy
from gateway.signin.request_context import RequestContext


class LinkDisputes:
    def __init__(
        self,
        *,
        identities: IdentityLinks,
        links: OneTimeLinks,
        sessions: SessionsEnder,
        policy: SigninPolicy,
        clock: Clock,
    ) -> None:
        self._identities = identities
        self._links = links
        self._sessions = sessions
        self._policy = policy
        self._clock = clock

    def inspect(self, token: str) -> IdentityLink:
        """The link that the mail spoke of; consumes nothing. Raises LinkGone."""
        return self._disputed(token, self._clock.now())[1]

    def not_me(self, token: str, context: RequestContext) -> None:
        """The identity signs nobody in for a while, and every session of the account ends. Raises LinkGone."""
        now = self._clock.now()
        said_by, link = self._disputed(token, now)
        lines = Lines(now, context, method=link.kind.value)
        until = now + self._policy.not_me_seconds
        frozen = lines.said("identity.frozen", Outcome.SUCCESS, link.account_id, details={"identity_link": link.id})
        if not self._identities.freeze(link.id, until, frozen, said_by=said_by, at=now):
            raise LinkGone("used meanwhile")
        ended = lines.said("session.ended", Outcome.SUCCESS, link.account_id, reason="not_me")
        self._sessions.end_sessions_of(link.account_id, now, ended)

    def _disputed(self, token: str, now: float) -> tuple[OneTimeLink, IdentityLink]:
        said_by = live_link(self._links, token_digest(token), LinkPurpose.NOT_ME, now)
        link = self._identities.get(said_by.id)
        if link is None:
            raise LinkGone("no such link")
        return said_by, link
