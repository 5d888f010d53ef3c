"""Who Pro Santé Connect says this is: a verified ID token and its userinfo become one assertion (§2.3 item 5, §6).

The RPPS comes from an identifier whose type says that it is one: the person's own national identifier, or an entry of
`otherIds` whose origin is RPPS and whose quality is sure. Refuses a person without national identifier, identifiers that
contradict one another, and the agency's test people where they have no business.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.signin.psc.activities import Profession, PscActivity, professions_of
from gateway.signin.psc.environment import PscEnvironment
from gateway.signin.psc.id_token import VerifiedIdToken
from gateway.signin.psc.national_identifier import IdentifierType, NationalIdentifier, parse_national_identifier
from gateway.signin.psc.refusals import PscRefused
from gateway.signin.psc.userinfo import objects, text

SURE = 1
TEST_RPPS = "997"


@dataclass(frozen=True, slots=True)
class VerifiedPscAssertion:
    """`national_ids`: the person's own first, then the registry's others, each once. `amr` is theirs, never ours (LOA-02).
    `id_token` serves the logout hint alone. `expires_at`: no session of ours may outlive it."""

    issuer: str
    subject: str
    national_ids: tuple[NationalIdentifier, ...]
    rpps: str | None
    family_name: str
    given_name: str
    professions: tuple[Profession, ...]
    activities: tuple[PscActivity, ...]
    acr: str
    amr: tuple[str, ...]
    auth_time: float
    session_id: str | None
    expires_at: float
    id_token: str = field(repr=False)


def assertion_of(
    id_token: VerifiedIdToken, claims: Mapping[str, Any], *, environment: PscEnvironment
) -> VerifiedPscAssertion:
    """`claims` are verified userinfo. Raises PscRefused."""
    own = _own_identifier(id_token, claims)
    others = _other_identifiers(claims)
    rpps = _the_one_rpps((own, *others))
    if environment.refuses_test_identities and _is_test_identity((own, *others)):
        raise PscRefused("identity: of the test range")
    professions, activities = professions_of(claims)
    return VerifiedPscAssertion(
        issuer=id_token.issuer,
        subject=id_token.subject,
        national_ids=tuple(dict.fromkeys((own, *others))),
        rpps=rpps,
        family_name=text(claims, "family_name"),
        given_name=text(claims, "given_name"),
        professions=professions,
        activities=activities,
        acr=id_token.acr,
        amr=id_token.amr,
        auth_time=id_token.auth_time,
        session_id=id_token.session_id,
        expires_at=id_token.auth_time + environment.limits.session_seconds,
        id_token=id_token.compact,
    )


def _own_identifier(id_token: VerifiedIdToken, claims: Mapping[str, Any]) -> NationalIdentifier:
    written = text(claims, "SubjectNameID")
    for name in {text(claims, "preferred_username"), id_token.preferred_username or ""} - {""}:
        if name != written:
            raise PscRefused("identity: SubjectNameID and preferred_username differ")
    identifier = parse_national_identifier(written)
    if identifier is None:
        raise PscRefused("identity: SubjectNameID")
    return identifier


def _other_identifiers(claims: Mapping[str, Any]) -> tuple[NationalIdentifier, ...]:
    """Those whose value has the type that their origin says. An origin we do not know tells nothing; a false RPPS refuses."""
    identifiers = []
    for entry in objects(claims, "otherIds"):
        written, origin, quality = text(entry, "identifiant"), text(entry, "origine"), entry.get("qualite")
        if isinstance(quality, bool) or not isinstance(quality, int | None):
            raise PscRefused("userinfo: qualite")
        identifier = parse_national_identifier(written)
        if identifier is not None and identifier.type == origin:
            if quality == SURE or identifier.type is not IdentifierType.RPPS:
                identifiers.append(identifier)
        elif origin == IdentifierType.RPPS:
            raise PscRefused("identity: an RPPS of another shape")
    return tuple(identifiers)


def _the_one_rpps(identifiers: tuple[NationalIdentifier, ...]) -> str | None:
    numbers = {identifier.rpps for identifier in identifiers} - {None}
    if len(numbers) > 1:
        raise PscRefused("identity: two different RPPS")
    return next(iter(numbers), None)


def _is_test_identity(identifiers: tuple[NationalIdentifier, ...]) -> bool:
    return any(
        identifier.type is IdentifierType.EDIT or (identifier.rpps or "").startswith(TEST_RPPS)
        for identifier in identifiers
    )
