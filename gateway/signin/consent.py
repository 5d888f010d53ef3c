"""Consent: what an application is about to learn, and whether the person agreed to it in this session (OID-17).

Applications are approved by the operator beforehand; a person is asked where an application's file or its request wants it. The
answer lasts as long as the session, for that application and those scopes, and goes with it (decision record 0004).
"""

from collections.abc import Sequence

from gateway.signin.session import Session
from gateway.signin.transaction import Demand


def agreement(demand: Demand) -> tuple[str, ...]:
    """What agreeing to this demand is worth, as a session keeps it."""
    return tuple(f"{demand.client_id} {scope}" for scope in demand.consent)


def has_agreed(session: Session, demand: Demand) -> bool:
    """Whether nobody needs to be asked any more."""
    return not demand.consent or (not demand.consent_again and set(agreement(demand)) <= set(session.agreed))


def with_agreement(agreed: Sequence[str], demand: Demand) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*agreed, *agreement(demand))))
