"""Two people, two browsers, any order of the steps of linking: a link is only ever between an identity and an account that
were both proved in the same browser's transaction, less than five minutes before.

The rules run over stores made of dictionaries; what each browser proved is remembered beside them, and judged after each link.
The two people have the same name, so that nothing but the proofs keeps them apart; an attacker also holds every handle that
was ever shown, in both browsers.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.accounts.account import AccountStatus
from gateway.accounts.identity_link import LinkProof
from gateway.refusal import Refusal
from gateway.signin.evidence import Means
from gateway.signin.journey import Step
from gateway.signin.transaction import Demand, SigninTransaction
from tests.unit.signin.linking.people import OTHER_RPPS, RPPS, LinkingWorld
from tests.unit.signin.world import CONTEXT, PASSWORD

FIVE_MINUTES = 300
BROWSERS = ("the browser's cookie", "another browser's cookie")
PEOPLE = ("claire", "denis")
MEANS = {"claire": RPPS, "denis": OTHER_RPPS}

browsers = st.sampled_from(BROWSERS)
people = st.sampled_from(PEOPLE)


@dataclass
class Tab:
    """What really happened in one transaction, whatever its handle is now."""

    txn: SigninTransaction
    waits: str | None = None
    identities: dict[str, float] = field(default_factory=dict)
    passwords: dict[str, float] = field(default_factory=dict)
    codes: dict[str, float] = field(default_factory=dict)


class AnyOrder(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.world = LinkingWorld()
        self.world.change(self.world.claire, rpps=None)
        self.world.person("denis")
        self.tabs = {browser: self._opened(browser) for browser in BROWSERS}
        self.handles: list[tuple[str, str]] = []
        self.judged: set[str] = set()

    def _opened(self, browser: str) -> Tab:
        world = self.world
        opened = world.journey.open(Demand(), {"resume": "/"}, browser_cookie=browser, session=None, context=CONTEXT)
        return Tab(opened)

    def _now(self, browser: str) -> SigninTransaction:
        """What the store has; a page always reads it first."""
        return self.world.journey.find(self.tabs[browser].txn.handle, browser_cookie=browser)

    def _keeps(self, browser: str, txn: SigninTransaction) -> None:
        self.handles.append((browser, self.tabs[browser].txn.handle))
        self.tabs[browser].txn = txn

    @rule(browser=browsers)
    def another_tab(self, browser: str) -> None:
        self.handles.append((browser, self.tabs[browser].txn.handle))
        self.tabs[browser] = self._opened(browser)

    @rule(browser=browsers, who=people)
    def an_identity_comes(self, browser: str, who: str) -> None:
        try:
            txn = self.world.linking.begin(self._now(browser), self.world.identity(rpps=MEANS[who]), CONTEXT)
        except Refusal:
            return
        self._keeps(browser, txn)
        tab = self.tabs[browser]
        if tab.waits != MEANS[who]:
            # What was proved beside another identity, or beside none, was not proved for this one.
            tab.passwords.clear()
            tab.codes.clear()
        tab.waits = MEANS[who]
        tab.identities[MEANS[who]] = self.world.clock.now()

    @rule(browser=browsers)
    def says_i_have_an_account(self, browser: str) -> None:
        try:
            self._keeps(browser, self.world.linking.choose_existing(self._now(browser)))
        except Refusal:
            return

    @rule(browser=browsers)
    def gives_up(self, browser: str) -> None:
        try:
            self._keeps(browser, self.world.linking.give_up(self._now(browser)))
        except Refusal:
            return

    @rule(browser=browsers, identity=people, who=people, steps=st.integers(2, 5))
    def goes_straight_on(self, browser: str, identity: str, who: str, steps: int) -> None:
        """So that the walks get far often enough."""
        way: list[Callable[[], None]] = [
            lambda: self.an_identity_comes(browser, identity),
            lambda: self.says_i_have_an_account(browser),
            lambda: self.gives_a_password(browser, who, right=True),
            lambda: self.gives_the_code_of_its_mail(browser),
            lambda: self.confirms(browser),
        ]
        for step in way[:steps]:
            step()

    @rule(browser=browsers, who=people, right=st.booleans())
    def gives_a_password(self, browser: str, who: str, right: bool) -> None:
        try:
            txn = self._now(browser)
            txn = self.world.password.submit(txn, who, PASSWORD if right else "wrong", CONTEXT)
        except Refusal:
            return
        self._keeps(browser, txn)
        self.tabs[browser].passwords[f"id-of-{who}"] = self.world.clock.now()

    @rule(browser=browsers)
    def gives_the_code_of_its_mail(self, browser: str) -> None:
        try:
            txn = self.world.code.start(self._now(browser), CONTEXT)
            self._keeps(browser, txn)
            txn, _ = self.world.code.submit(self._now(browser), self.world.sent_code(), CONTEXT)
        except Refusal:
            return
        self._keeps(browser, txn)
        self.tabs[browser].codes[txn.account_id or ""] = self.world.clock.now()

    @rule(browser=browsers)
    def confirms(self, browser: str) -> None:
        try:
            txn = self.world.linking.confirm(self._now(browser), CONTEXT)
        except Refusal:
            txn = None
        for link in self.world.identities.records.values():
            if link.id not in self.judged:
                self._judge(self.tabs[browser], link.rpps or "", link.account_id)
                self.judged.add(link.id)
        if txn is not None:
            self._keeps(browser, txn)

    def _judge(self, tab: Tab, rpps: str, account_id: str) -> None:
        now = self.world.clock.now()
        proofs = (tab.identities.get(rpps), tab.passwords.get(account_id), tab.codes.get(account_id))
        assert all(at is not None and now - at < FIVE_MINUTES for at in proofs), (rpps, account_id, proofs, now)

    @precondition(lambda self: self.handles)
    @rule(data=st.data(), browser=browsers)
    def somebody_tries_a_handle_that_was_shown(self, data: st.DataObject, browser: str) -> None:
        """In either browser: a handle of the other one, or one of before, finds nothing that is ahead of it."""
        _, handle = data.draw(st.sampled_from(self.handles))
        try:
            txn = self.world.journey.find(handle, browser_cookie=browser)
        except Refusal:
            return
        assert txn.browser == self._opened(browser).txn.browser
        try:
            self.world.linking.confirm(txn, CONTEXT)
        except Refusal:
            return
        assert handle == self.tabs[browser].txn.handle, "an old handle confirmed"
        for link in self.world.identities.records.values():
            if link.id not in self.judged:
                self._judge(self.tabs[browser], link.rpps or "", link.account_id)
                self.judged.add(link.id)

    @rule(browser=browsers)
    def ends_in_a_session(self, browser: str) -> None:
        """Whoever's session it is proved it here: the identity that is linked to the account, or password and code."""
        try:
            txn = self._now(browser)
            if self.world.journey.next_step(txn, device_id=None) is not Step.COMPLETE or txn.session_digest:
                return
            session = self.world.journey.complete(txn, previous_session=None, context=CONTEXT)
        except Refusal:
            return
        tab = self.tabs[browser]
        mine = [link.rpps for link in self.world.identities.of(session.account_id)]
        means = {item.means for item in session.evidence}
        if Means.PSC in means:
            assert any(rpps in tab.identities for rpps in mine)
        if Means.PSC not in means or len(means) > 1:
            assert {session.account_id} <= tab.passwords.keys() & tab.codes.keys()

    @rule(seconds=st.sampled_from([1, 31, 150, 299, 300]))
    def time_passes(self, seconds: int) -> None:
        self.world.clock.advance(seconds)

    @rule(who=people, status=st.sampled_from([AccountStatus.ACTIVE, AccountStatus.ACTIVE, AccountStatus.BLOCKED]))
    def the_account_is_blocked_or_not(self, who: str, status: AccountStatus) -> None:
        self.world.change(self.world.accounts.records[f"id-of-{who}"], status=status)

    @rule(who=people)
    def somebody_resets_the_password(self, who: str) -> None:
        account = self.world.accounts.records[f"id-of-{who}"]
        self.world.clock.advance(0.001)
        self.world.change(account, code_demanded_since=self.world.clock.now())
        for tab in self.tabs.values():
            tab.passwords.pop(account.id, None)
            tab.codes.pop(account.id, None)

    @invariant()
    def nobody_shares_an_identity_and_nobody_has_two_peoples(self) -> None:
        world = getattr(self, "world", None)
        if world is None:
            return
        links = list(world.identities.records.values())
        assert len({link.rpps for link in links}) == len({(link.rpps, link.account_id) for link in links})
        assert len({link.account_id for link in links}) == len({(link.rpps, link.account_id) for link in links})
        assert {link.proof for link in links} <= {LinkProof.CREDENTIALS}


AnyOrder.TestCase.settings = settings(
    max_examples=80, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
TestAnyOrder = AnyOrder.TestCase
