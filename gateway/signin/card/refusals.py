"""How a card's answer can fail. Outside, every broken rule has one text; the reason is in `detail`, for the journal alone.

A detail names a rule ("certificate: expired"), never a value. Two cases say more to the person because they change what to do
next: a card of another type, and revocation data that nobody can read today.
"""

from gateway.refusal import Refusal


class CardRefused(Refusal):
    """A rule was broken, whichever."""

    code = "card_refused"
    text = "card.refused"
    certificate: tuple[str, str] | None = None
    """Issuer and serial, once a pinned authority vouched for them: for the journal."""


class CardOfAnotherType(CardRefused):
    """A good card, but not one that signs in here: its holder is told the other ways."""

    code = "card_other_type"
    text = "card.other_type"


class CardUnverifiable(CardRefused):
    """Whether cards are revoked cannot be known now: nobody signs in by card, and Pro Santé Connect is offered."""

    code = "card_unverifiable"
    text = "card.unverifiable"
