"""An identity that Pro Santé Connect or a card has just proved: what linking needs to know of it, whichever it was.

It is made by the room that verified the assertion and by nobody else. Two identities are the same when means, issuer and
subject are, to the character (LNK-05).
"""

from dataclasses import dataclass, field

from gateway.accounts.account import RppsProof
from gateway.accounts.identity_link import IdentityLink, LinkKind, LinkProof
from gateway.randomness import Randomness, identifier
from gateway.signin.evidence import Evidence, Means


@dataclass(frozen=True, slots=True)
class Situation:
    """As what, and where, a person says to work: a profession's code of the registry, `L` (libéral) or `S` (salarié) or "",
    the structure's name as the registry writes it, and its identifiers as ours are, best first (`fineg:`, `finej:`,
    `siret:`). It tells an exercise, and never gives a right."""

    profession: str
    mode: str
    structure_name: str
    structure_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProvedIdentity:
    """`national_id` is the asserted idNat_PS in its typed, canonical form; `profession` is `<code>^<OID>`. `proved_at` is when
    the person proved it (upstream `auth_time`), `expires_at` when the means no longer stands for them; seconds since the
    epoch. `id_token` is kept for the logout upstream alone. `certificate` is the serial, in hexadecimal, of the one that proved
    it, by which its session ends when it is revoked (SES-08)."""

    kind: LinkKind
    issuer: str
    subject: str
    national_id: str | None
    rpps: str | None
    family_name: str
    given_name: str
    profession: str | None
    proved_at: float
    expires_at: float
    upstream_acr: str | None = None
    upstream_amr: tuple[str, ...] = ()
    id_token: str | None = field(default=None, repr=False)
    certificate: str | None = None
    situations: tuple[Situation, ...] = ()

    @property
    def key(self) -> tuple[LinkKind, str, str]:
        return self.kind, self.issuer, self.subject

    def evidence(self) -> Evidence:
        return Evidence(Means(self.kind.value), self.proved_at)

    def rpps_proof(self) -> RppsProof:
        return RppsProof(self.kind.value)


def contradicts(identity: ProvedIdentity, link: IdentityLink) -> bool:
    """Whether this identity now says to be another person than the one it was linked as: its RPPS, or without one its
    national identifier, is another."""
    if identity.rpps is not None and link.rpps is not None:
        return identity.rpps != link.rpps
    return None not in (identity.national_id, link.national_id) and identity.national_id != link.national_id


def link_of(
    identity: ProvedIdentity, account_id: str, proof: LinkProof, now: float, randomness: Randomness
) -> IdentityLink:
    """The link that would be made now."""
    return IdentityLink(
        id=identifier(randomness),
        account_id=account_id,
        kind=identity.kind,
        issuer=identity.issuer,
        subject=identity.subject,
        national_id=identity.national_id,
        rpps=identity.rpps,
        proof=proof,
        created_at=now,
        last_used_at=now,
    )
