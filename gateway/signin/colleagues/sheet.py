"""A sheet of paper that a référent prints and hands over face to face: a one-time link whose token comes from a code that its
holder types (RST-01, RST-02; DECISIONS 7).

The code is 24 characters out of 22, 107 bits. It is on the printed page and nowhere else: the store keeps the SHA-256 of a MAC
of it.
"""

from gateway.accounts.account import Account
from gateway.accounts.one_time_link import LinkPurpose, OneTimeLink, token_digest
from gateway.keys.purposes import Purpose, PurposeKey
from gateway.randomness import Randomness, base64url, identifier
from gateway.signin.recovery.codes import in_groups, new_code, typed_recovery_code

LENGTH = 24
_GROUP = 4


def new_sheet(
    key: PurposeKey,
    purpose: LinkPurpose,
    account: Account,
    *,
    printed_by: str,
    now: float,
    expires_at: float,
    randomness: Randomness,
) -> tuple[OneTimeLink, str]:
    """The link, and the code as it is printed."""
    code = new_code(randomness, LENGTH)
    digest = token_digest(sheet_token(key, code))
    if digest is None:
        raise RuntimeError("a token has one shape")
    link = OneTimeLink(
        id=identifier(randomness),
        account_id=account.id,
        purpose=purpose,
        token_digest=digest,
        contact_version=account.contact_version,
        issued_at=now,
        expires_at=expires_at,
        printed_by=printed_by,
    )
    return link, in_groups(code, _GROUP)


def sheet_token(key: PurposeKey, typed: str) -> str:
    """The token that a code stands for, whatever was typed."""
    code = typed_recovery_code(typed)
    return base64url(key.mac(Purpose.LINK, b"sheet", code.encode("utf-8", "surrogatepass")))
