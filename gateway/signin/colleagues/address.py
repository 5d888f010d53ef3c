"""The address of somebody who holds a sheet: a code is sent there, and given back (REG-09, OTP-13).

At a first access the address is the account's, and stays it; at a recovery its holder may give another one. Codes go within the
limits of all codes; a wrong one counts. Refuses an address of another account, once it is proved.
"""

from dataclasses import replace

from gateway.accounts.account import Account, CodeChannel
from gateway.accounts.contact_change import Contact, ContactChange
from gateway.accounts.identifiers import parse_email
from gateway.accounts.one_time_link import LinkPurpose, OneTimeLink
from gateway.accounts.ports import Accounts, ContactChanges, OneTimeLinks
from gateway.clock import Clock
from gateway.journal.events import Outcome
from gateway.keys.purposes import PurposeKey
from gateway.randomness import Randomness, digest, handle, partition_of
from gateway.signin.colleagues.desk import SheetDesk
from gateway.signin.colleagues.refusals import AddressTaken, AddressUnreadable
from gateway.signin.enrolment.access_link import LinkGone
from gateway.signin.journal_lines import Lines
from gateway.signin.one_time_code.code import code_mac, typed_code
from gateway.signin.one_time_code.sending import CodeSending
from gateway.signin.one_time_code.signin import CodeDead, CodeRefused
from gateway.signin.policy import HOUR, SigninPolicy
from gateway.signin.ports import CodeChallenge, CodeVerdict, OneTimeCodes
from gateway.signin.request_context import RequestContext

PURPOSE = "sheet"


class SheetAddress:
    def __init__(
        self,
        *,
        desk: SheetDesk,
        accounts: Accounts,
        changes: ContactChanges,
        links: OneTimeLinks,
        codes: OneTimeCodes,
        sending: CodeSending,
        code_key: PurposeKey,
        policy: SigninPolicy,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._desk = desk
        self._accounts = accounts
        self._changes = changes
        self._links = links
        self._codes = codes
        self._sending = sending
        self._code_key = code_key
        self._policy = policy
        self._clock = clock
        self._randomness = randomness

    def ask(self, token: str, typed: str, context: RequestContext) -> ContactChange:
        """A code is on its way to the address typed, or to the account's when none is. Raises LinkGone, AddressUnreadable."""
        link, account = self._desk.inspect(token)
        now = self._clock.now()
        typed = typed if link.purpose is LinkPurpose.RECOVERY else ""
        value = parse_email(typed) if typed.strip() else account.email
        if value is None:
            raise AddressUnreadable("not an address")
        change = ContactChange(
            id=handle(self._randomness, partition_of(account.id)),
            account_id=account.id,
            contact=Contact.EMAIL,
            value=value,
            contact_version=account.contact_version,
            asked_at=now,
            expires_at=min(now + HOUR, link.expires_at),
        )
        lines = Lines(now, context, method="one_time_code")
        asked = lines.said("contact.asked", Outcome.SUCCESS, account.id, details={"channel": Contact.EMAIL.value})
        if self._changes.ask(change, asked) is None:
            raise LinkGone("the account changed")
        challenge = CodeChallenge(
            id=change.id,
            account_id=account.id,
            transaction=digest(change.id),
            purpose=PURPOSE,
            channel=CodeChannel.EMAIL.value,
            contact_version=account.contact_version,
            client_id=None,
            mac=b"",
            send_number=1,
            sent_at=now,
            expires_at=now,
            attempts_left=self._policy.code_attempts,
        )
        challenge, effects = self._sending.prepared(challenge, _at(account, value), lines, change=change.id)
        self._codes.begin(challenge, effects)
        return change

    def waiting(self, token: str, change_id: str) -> ContactChange:
        """Raises LinkGone, CodeDead."""
        return self._waiting(token, change_id)[2]

    def _waiting(self, token: str, change_id: str) -> tuple[OneTimeLink, Account, ContactChange]:
        link, account = self._desk.inspect(token)
        change = self._changes.get(change_id)
        if change is None or change.account_id != account.id or not change.waits(self._clock.now()):
            raise CodeDead("no such change waits")
        return link, account, change

    def confirm(self, token: str, change_id: str, code: str, context: RequestContext) -> None:
        """From now on the sheet proves the address. Raises LinkGone, CodeDead, CodeRefused, AddressTaken."""
        link, account, change = self._waiting(token, change_id)
        now = self._clock.now()
        lines = Lines(now, context, method="one_time_code")
        challenge = self._codes.find(change.id, now)
        if challenge is None or challenge.purpose != PURPOSE or challenge.account_id != account.id:
            raise CodeDead("its code is over")
        details = {"channel": challenge.channel, "purpose": PURPOSE}
        wrong = lines.said("signin.code", Outcome.REFUSED, account.id, reason="wrong_code", details=details)
        right = lines.said("signin.code", Outcome.SUCCESS, account.id, details=details)
        mac = code_mac(self._code_key, challenge.id, typed_code(code))
        verdict, left = self._codes.attempt(challenge.id, mac, now, if_accepted=right, if_wrong=wrong)
        if verdict is CodeVerdict.WRONG and left > 0:
            raise CodeRefused("wrong code", attempts_left=left)
        if verdict is not CodeVerdict.ACCEPTED:
            raise CodeDead(verdict.value)
        holder = self._accounts.find_by_email(change.value)
        if holder is not None and holder.id != account.id:
            raise AddressTaken("another account has it")
        proved = lines.said("contact.changed", Outcome.SUCCESS, account.id, details=details)
        if not self._links.prove_contact(link.id, change.id, now, proved):
            raise LinkGone("used meanwhile")


def _at(account: Account, address: str) -> Account:
    """The account as if the address were its own: whose limits count."""
    return replace(account, email=address)
