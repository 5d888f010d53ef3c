"""An identity link: which identity of Pro Santé Connect, or which card, signs in as which account (section LNK).

Its key is typed and exact: means, issuer, subject; an RPPS or a name never stands in for it (LNK-04, LNK-05). A link that was
ended stays on record, and the national identifier it proved stays with its account (DECISIONS 6 and 13).
"""

from dataclasses import dataclass
from enum import StrEnum


class LinkKind(StrEnum):
    """The means that asserts the identity."""

    PSC = "psc"
    CARD = "card"


class LinkProof(StrEnum):
    """What proved that the account is the same person's when the link was made."""

    CREDENTIALS = "credentials"
    ACTIVATION = "activation"
    NATIONAL_ID = "national_id"
    """Another live link of the same account proves the same national identifier: a new card, a new `sub`."""


class LinkState(StrEnum):
    ACTIVE = "active"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class IdentityLink:
    """`issuer` and `subject` as asserted, to the character. Instants are seconds since the epoch. `ended_by` is an account's
    identifier or an operator's name."""

    id: str
    account_id: str
    kind: LinkKind
    issuer: str
    subject: str
    national_id: str | None
    rpps: str | None
    proof: LinkProof
    created_at: float
    last_used_at: float
    state: LinkState = LinkState.ACTIVE
    ended_at: float | None = None
    ended_by: str | None = None
    frozen_until: float | None = None
    """Somebody said "not me": until then it signs nobody in."""

    def is_frozen(self, now: float) -> bool:
        return self.frozen_until is not None and now < self.frozen_until

    def signs_in(self, now: float) -> bool:
        return self.state is LinkState.ACTIVE and not self.is_frozen(now)
