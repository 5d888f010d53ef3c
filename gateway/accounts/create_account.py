"""A new account: invited, without any credential, with an activation link on its way (PWD-11, RST-11).

Refuses what cannot be an identifier of a person (DECISIONS 13) and what already belongs to somebody. Nobody chooses a
password for somebody else.
"""

from collections.abc import Collection
from dataclasses import dataclass

from gateway.accounts.account import Account, AccountStatus, RppsProof
from gateway.accounts.french_territories import FRENCH
from gateway.accounts.identifiers import parse_email, parse_rpps, parse_username
from gateway.accounts.one_time_link import LinkPurpose, OneTimeLink, new_link, sending
from gateway.accounts.phone import PhoneRefused, mobile_number
from gateway.accounts.ports import AccountExistsError, Accounts, OneTimeLinks
from gateway.journal.effects import because
from gateway.journal.events import Event, Outcome
from gateway.keys.purposes import PurposeKey
from gateway.randomness import Randomness, identifier
from gateway.refusal import Refusal


class AccountRefused(Refusal):
    """`facts["field"]` says which value is not acceptable, or already somebody's (`code` `account_exists`)."""

    code = "account_invalid"
    text = "account.invalid"


class AccountExists(AccountRefused):
    code = "account_exists"
    text = "account.exists"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """As typed."""

    username: str
    family_name: str
    given_name: str
    email: str
    phone: str | None = None
    rpps: str | None = None
    profession: str | None = None
    language: str = "fr"
    is_administrator: bool = False


def create_account(
    new: NewAccount,
    *,
    accounts: Accounts,
    links: OneTimeLinks,
    link_key: PurposeKey,
    link_ttl_seconds: int,
    operator: str,
    now: float,
    randomness: Randomness,
    phone_countries: Collection[str] = FRENCH,
    phone_fiction: bool = False,
) -> Account:
    """The account, whose activation link is issued. `phone_countries` are those whose mobile numbers are accepted (SMS-03),
    `phone_fiction` is the demo's. Raises AccountRefused."""
    phone = _phone(new.phone, phone_countries, phone_fiction) if new.phone else None
    account = _invited(new, phone, identifier(randomness), now)
    created = _line("account.created", account, operator, now)
    try:
        accounts.create(account, because(created))
    except AccountExistsError as exists:
        raise AccountExists(f"{exists.field} belongs to another account", field=exists.field) from exists
    issue_activation(
        account,
        links=links,
        link_key=link_key,
        link_ttl_seconds=link_ttl_seconds,
        operator=operator,
        now=now,
        randomness=randomness,
    )
    return account


def issue_activation(
    account: Account,
    *,
    links: OneTimeLinks,
    link_key: PurposeKey,
    link_ttl_seconds: int,
    operator: str,
    now: float,
    randomness: Randomness,
) -> OneTimeLink:
    """A first or a new activation link; the older one dies (RST-04). The operator never sees it (RST-10)."""
    if account.status is not AccountStatus.INVITED:
        raise AccountRefused("only an invited account is activated", field="status")
    link = new_link(
        link_key,
        LinkPurpose.ACTIVATION,
        account_id=account.id,
        contact_version=account.contact_version,
        now=now,
        ttl_seconds=link_ttl_seconds,
        randomness=randomness,
    )
    requested = _line("link.requested", account, operator, now, purpose=LinkPurpose.ACTIVATION.value)
    links.issue(link, because(requested, outgoing=(sending(link),)))
    return link


def _invited(new: NewAccount, phone: str | None, account_id: str, now: float) -> Account:
    rpps = _required("rpps", parse_rpps(new.rpps)) if new.rpps else None
    return Account(
        id=account_id,
        username=_required("username", parse_username(new.username)),
        family_name=_required("family_name", _name(new.family_name)),
        given_name=_required("given_name", _name(new.given_name)),
        email=_required("email", parse_email(new.email)),
        status=AccountStatus.INVITED,
        created_at=now,
        phone=phone,
        rpps=rpps,
        rpps_proof=RppsProof.DECLARED if rpps else None,
        profession=new.profession,
        language=new.language,
        is_administrator=new.is_administrator,
    )


def _required(field: str, value: str | None) -> str:
    if value is None:
        raise AccountRefused(f"{field} is not acceptable", field=field)
    return value


def _name(typed: str) -> str | None:
    name = " ".join(typed.split())
    return name if 0 < len(name) <= 100 and name.isprintable() else None


def _phone(typed: str, countries: Collection[str], fiction: bool) -> str:
    try:
        return mobile_number(typed, countries=countries, fiction=fiction)
    except PhoneRefused as refused:
        raise AccountRefused(f"phone is not acceptable: {refused.facts['reason']}", field="phone") from refused


def _line(name: str, account: Account, operator: str, now: float, **details: str) -> Event:
    return Event(name, Outcome.SUCCESS, now, target=account.id, details={"operator": operator, **details})
