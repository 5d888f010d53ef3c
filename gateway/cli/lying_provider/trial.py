"""Plays the logins one after the other: honest first, then each lie in a browser that has just been opened, honest again.

A lie that the application never came near enough to hear is told as not tested. When the last honest login fails, nothing
was proved (a limit on logins, a lock), and the whole trial is refused.
"""

import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from gateway.cli.lying_provider.browser import Browser, NoAnswerError, Page
from gateway.cli.lying_provider.lies import LIES, Check, Lie, Stage
from gateway.cli.lying_provider.logout_lies import HONOURED, LOGOUT_LIES, REPLAYED, TYP
from gateway.cli.lying_provider.provider import Attempt, LyingProvider, pkce_trouble, with_fields
from gateway.cli.lying_provider.signs import Signs

PKCE = Check(
    "pkce",
    "PKCE : la demande doit porter code_challenge en S256, et l'échange du code le bon code_verifier.",
    "PKCE: the request must carry an S256 code_challenge, and the code's exchange the right code_verifier.",
    "RFC 7636 §4, RFC 9700 §2.1.1",
)
OTHER_BROWSER = Check(
    "state-other-browser",
    "state : la réponse d'une connexion commencée dans un autre navigateur est acceptée (connexion forcée).",
    "state: the response to a login begun in another browser is accepted (login CSRF).",
    "RFC 6749 §10.12",
)
REPLAY = Check(
    "replay",
    "rejeu : la même adresse de retour, présentée deux fois, fait échanger le code deux fois ; un state sert une fois.",
    "replay: the same callback address, presented twice, makes the code be redeemed twice; a state serves once.",
    "RFC 6749 §10.5, §10.12",
)


class HonestLoginFailedError(Exception):
    """A sentence: what the provider saw, and what to look at in the application's settings."""


class Verdict(StrEnum):
    OK = "ok"
    MISSING = "missing"
    NOT_TESTED = "not_tested"


@dataclass(frozen=True, slots=True)
class Result:
    check: Check
    verdict: Verdict
    seen: str = ""


class Trial:
    """`start`: the application's address that begins a login. `logout_uri` None: logout is not tested. `only`: these checks;
    empty: all."""

    def __init__(
        self,
        provider: LyingProvider,
        start: str,
        *,
        signed_in: str | None = None,
        logout_uri: str | None = None,
        ca_file: str | None = None,
        only: Sequence[str] = (),
    ) -> None:
        self._provider = provider
        self._start = start
        self._text = signed_in
        self._logout_uri = logout_uri
        self._ca_file = ca_file
        self._only = frozenset(only)
        self._probe: str | None = None
        self.signs = Signs(signed_in, frozenset())

    def reaches_us(self) -> str | None:
        """Why the start address does not lead to this provider yet; None when it does."""
        attempt = self._provider.attempt(held=True)
        try:
            page = self._browser().open(self._start)
        except NoAnswerError as error:
            return str(error)
        if not attempt.request:
            return f"{self._start} led to {_place(page)} (status {page.status}), and not to this provider"
        return attempt.trouble or None

    def learn(self) -> Iterator[Result]:
        """What an accepted login looks like. Raises HonestLoginFailedError."""
        first, attempt, browser = self._honest()
        if attempt.request["redirect_uri"].partition("?")[0] != first.url.partition("?")[0]:
            self._probe = first.url
        first = self._looked(browser, first)
        second = self._looked_after_honest()
        refused_browser = self._browser()
        self._provider.attempt(refused=True)
        refused = refused_browser.open(self._start)
        others = [refused, self._looked(refused_browser, refused)]
        if self._probe is not None:
            others.append(self._looked(self._browser(), refused))
        self.signs = Signs.learn(self._text, signed_in=[first, second], others=others)
        if not self.signs.enough:
            raise HonestLoginFailedError(
                "After an honest login the application shows nothing that it does not also show to a stranger; name a text "
                "that only a signed-in page has, with --signed-in TEXT"
            )
        if not self.signs.on(first):
            raise HonestLoginFailedError(
                f"After an honest login, {_place(first)} (status {first.status}) does not show {self.signs.in_words()!r}"
            )
        if self._wanted(PKCE):
            trouble = pkce_trouble(attempt)
            yield Result(PKCE, Verdict.OK if trouble is None else Verdict.MISSING, trouble or "")

    def run(self) -> Iterator[Result]:
        """Raises HonestLoginFailedError, NoAnswerError."""
        yield from self.learn()
        for lie in LIES:
            if self._wanted(lie.check):
                yield self._lied(lie)
        for check, trial in ((OTHER_BROWSER, self._other_browser), (REPLAY, self._replayed)):
            if self._wanted(check):
                yield trial()
        yield from self._logouts()
        if not self.signs.on(self._looked_after_honest()):
            raise HonestLoginFailedError(
                "After the lies, the honest login is no longer accepted, so the refusals above prove nothing: is there a "
                "limit on logins, or a lock? Lift it for this trial"
            )

    def _wanted(self, check: Check) -> bool:
        return not self._only or check.code in self._only

    def _browser(self) -> Browser:
        return Browser(self._provider.scene.issuer, self._ca_file)

    def _honest(self) -> tuple[Page, Attempt, Browser]:
        attempt, browser = self._provider.attempt(), self._browser()
        page = browser.open(self._start)
        if not attempt.request:
            raise HonestLoginFailedError(f"{self._start} led to {_place(page)}, and not to this provider")
        if attempt.trouble:
            raise HonestLoginFailedError(f"The provider refused the application: {attempt.trouble}")
        if not attempt.redemptions:
            raise HonestLoginFailedError(
                f"The application received an honest code and did not redeem it; it shows {_place(page)} (status {page.status})"
            )
        if page.status >= 400:
            raise HonestLoginFailedError(
                f"The application refused an honest login: {_place(page)} (status {page.status}). Are issuer, client id, "
                "secret and signature algorithm configured as printed? Claims that it needs are given with --claims"
            )
        return page, attempt, browser

    def _looked(self, browser: Browser, page: Page) -> Page:
        """The page that tells: the same one each time, or the end of the login where there is no other."""
        if self._probe is None:
            return page
        self._provider.attempt(held=True)  # an application that asks for a login here is not given one
        return browser.open(self._probe)

    def _looked_after_honest(self) -> Page:
        page, _, browser = self._honest()
        return self._looked(browser, page)

    def _lied(self, lie: Lie) -> Result:
        attempt, browser = self._provider.attempt(lie), self._browser()
        page = browser.open(self._start)
        if lie.check.code.startswith("nonce") and "nonce" not in attempt.request:
            return Result(lie.check, Verdict.MISSING, "the request carries no nonce")
        accepted = self.signs.on(self._looked(browser, page))
        heard = {
            Stage.ANSWER: attempt.callback is not None,
            Stage.TOKEN: attempt.redemptions > 0,
            Stage.USERINFO: attempt.userinfo_asked,
        }[lie.stage]
        if accepted and heard:
            return Result(lie.check, Verdict.MISSING, f"{_place(page)} (status {page.status})")
        if not heard:
            return Result(lie.check, Verdict.NOT_TESTED, f"the application did not come to the {lie.stage} endpoint")
        return Result(lie.check, Verdict.OK)

    def _other_browser(self) -> Result:
        attempt = self._provider.attempt(held=True)
        self._browser().open(self._start)
        victim = self._browser()
        page = self._answered(victim, attempt)
        accepted = self.signs.on(self._looked(victim, page))
        return Result(OTHER_BROWSER, Verdict.MISSING if accepted else Verdict.OK)

    def _replayed(self) -> Result:
        _, attempt, browser = self._honest()
        self._answered(browser, attempt)
        twice = attempt.redemptions > 1
        return Result(REPLAY, Verdict.MISSING if twice else Verdict.OK)

    @staticmethod
    def _answered(browser: Browser, attempt: Attempt) -> Page:
        """The authorization response of this attempt, presented by this browser."""
        if attempt.callback is None:
            raise HonestLoginFailedError("The application began no login")
        address, fields = attempt.callback
        return browser.open(address, fields) if attempt.posts else browser.open(with_fields(address, fields))

    def _logouts(self) -> Iterator[Result]:
        checks: list[tuple[Check, Callable[[], Result]]] = [(HONOURED, self._honoured)]
        checks += [(lie.check, partial(self._told_to_leave, lie.check, lie.token)) for lie in LOGOUT_LIES]
        checks.append((REPLAYED, self._leaves_twice))
        for check, trial in checks:
            if not self._wanted(check):
                continue
            if self._logout_uri is None:
                yield Result(check, Verdict.NOT_TESTED, "no --backchannel-logout-uri")
            elif self._probe is None:
                yield Result(check, Verdict.NOT_TESTED, "no page tells whether the session is still open")
            else:
                yield trial()

    def _honoured(self) -> Result:
        page, attempt, browser = self._honest()
        token = self._provider.scene.honest(self._provider.logout_claims(attempt), typ=TYP)
        status = self._send(token)
        if self.signs.on(self._looked(browser, page)):
            return Result(HONOURED, Verdict.MISSING, f"it answered {status}, and the session is still open")
        return Result(HONOURED, Verdict.OK)

    def _told_to_leave(self, check: Check, lied: Callable[..., str]) -> Result:
        page, attempt, browser = self._honest()
        status = self._send(lied(self._provider.logout_claims(attempt), self._provider.scene))
        if not self.signs.on(self._looked(browser, page)):
            return Result(check, Verdict.MISSING, f"it answered {status}, and the session is over")
        return Result(check, Verdict.OK)

    def _leaves_twice(self) -> Result:
        _, first, _ = self._honest()
        claims = self._provider.logout_claims(first)
        self._send(self._provider.scene.honest(claims, typ=TYP))
        again = {"jti": claims["jti"]}
        return self._told_to_leave(REPLAYED, lambda other, scene: scene.honest({**other, **again}, typ=TYP))

    def _send(self, logout_token: str) -> int:
        """As a provider calls: without cookies (Back-Channel Logout §2.5)."""
        return self._browser().open(self._logout_uri or "", {"logout_token": logout_token}).status


def _place(page: Page) -> str:
    parts = urllib.parse.urlsplit(page.url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
