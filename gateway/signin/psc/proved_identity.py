"""What linking needs to know of a verified assertion, and the situations among which the person will choose (PSC-R15, PSC-R16).

The national identifier is the person's own; structures are named as ours are, best first: FINESS of the place, FINESS of the
legal body, SIRET. An identifier of another shape is left out, and nothing is ever read from a name.
"""

from collections.abc import Callable, Iterator

from gateway.accounts.identifiers import parse_finess, parse_siret
from gateway.accounts.identity_link import LinkKind
from gateway.signin.linking.identity import ProvedIdentity, Situation
from gateway.signin.psc.activities import PscActivity
from gateway.signin.psc.identity import VerifiedPscAssertion

PROFESSION_SYSTEM = "1.2.250.1.71.1.2.7"
"""TRE_G15, the object identifier under which accounts name a profession."""
_NAME_LENGTH = 120
_MODES = frozenset({"L", "S"})


def proved_identity(assertion: VerifiedPscAssertion) -> ProvedIdentity:
    first = assertion.professions[0].code if assertion.professions else ""
    return ProvedIdentity(
        kind=LinkKind.PSC,
        issuer=assertion.issuer,
        subject=assertion.subject,
        national_id=assertion.national_ids[0].value,
        rpps=assertion.rpps,
        family_name=assertion.family_name,
        given_name=assertion.given_name,
        profession=f"{first}^{PROFESSION_SYSTEM}" if first else None,
        proved_at=assertion.auth_time,
        expires_at=assertion.expires_at,
        upstream_acr=assertion.acr,
        upstream_amr=assertion.amr,
        id_token=assertion.id_token,
        situations=tuple(_situations(assertion)),
    )


def _situations(assertion: VerifiedPscAssertion) -> Iterator[Situation]:
    """One for each activity; a profession without activity is one too."""
    for place, profession in enumerate(assertion.professions):
        activities = [activity for activity in assertion.activities if activity.profession == place]
        for activity in activities:
            yield Situation(
                profession=profession.code,
                mode=activity.mode if activity.mode in _MODES else "",
                structure_name=" ".join(activity.structure_name.split())[:_NAME_LENGTH],
                structure_ids=tuple(_structure_ids(activity)),
            )
        if not activities:
            yield Situation(profession=profession.code, mode="", structure_name="")


def _structure_ids(activity: PscActivity) -> Iterator[str]:
    written: tuple[tuple[str, str, Callable[[str], str | None]], ...] = (
        ("fineg", activity.finess_site, parse_finess),
        ("finej", activity.finess_legal, parse_finess),
        ("siret", activity.siret, parse_siret),
    )
    for kind, value, parse in written:
        if value and parse(value) == value:
            yield f"{kind}:{value}"
