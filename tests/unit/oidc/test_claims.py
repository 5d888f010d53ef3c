"""Which claim belongs to which scope, and where it goes."""

import itertools
from dataclasses import replace

import pytest

from gateway.oidc.claims import SCOPE_CLAIMS, Place, Rights, identity_claims, rights_claims
from gateway.oidc.ports import Person, Said, StructureRights

PERSON = Person("id", True, "Camille", "Exemple", "c@exemple.example", True, "99900000003", "card", "60^1.2.250", "fr")
NOBODY = Person("id", True, "Camille", "Exemple", None, False, None, None, None, "fr")
IDENTITY_SCOPES = ["profile", "email", "rpps", "profession"]


def rights(count: int, active: str | None = "s3") -> Rights:
    structures = [
        StructureRights(f"s{number}", f"Nom {number}", (f"r{number}",), (), "2028-01-01") for number in range(count)
    ]
    return Rights(structures, active, "v1", None)


@pytest.mark.spec("TOK-07")
@pytest.mark.parametrize(
    "granted", [list(chosen) for size in range(5) for chosen in itertools.combinations(IDENTITY_SCOPES, size)]
)
def test_userinfo_says_exactly_what_the_granted_scopes_ask(granted):
    wanted = {name for scope in granted for name in SCOPE_CLAIMS[scope]}
    assert set(identity_claims(PERSON, ["openid", *granted], Place.USERINFO)) == wanted
    assert set(identity_claims(PERSON, granted, Place.ID_TOKEN)) == wanted - set(SCOPE_CLAIMS["email"])
    assert not identity_claims(PERSON, granted, Place.ACCESS_TOKEN)


def test_what_is_not_known_is_left_out_rather_than_null():
    said = identity_claims(NOBODY, IDENTITY_SCOPES, Place.USERINFO)
    assert set(said) == set(SCOPE_CLAIMS["profile"])


@pytest.mark.spec("TOK-07")
def test_a_claim_asked_by_name_needs_a_scope_of_the_client():
    said = identity_claims(PERSON, ["openid"], Place.ID_TOKEN, asked=["rpps", "email"], allowed=frozenset({"email"}))
    assert said == {"email": "c@exemple.example"}


@pytest.mark.spec("TOK-05")
def test_roles_are_those_of_the_active_structure():
    assert rights_claims(rights(5), limit=40)["roles"] == ["r3"]
    for active in (None, "elsewhere"):
        claims = rights_claims(rights(5, active), limit=40)
        assert claims["roles"] == []
        assert "structure" not in claims
        assert len(claims["structures"]) == 5


@pytest.mark.parametrize(
    ("count", "limit", "shown"), [(0, 40, 0), (40, 40, 40), (41, 40, 40), (5, 1, 1), (5, 0, 1), (5, None, 5)]
)
def test_structures_are_never_cut_silently(count, limit, shown):
    claims = rights_claims(rights(count), limit=limit)
    assert len(claims["structures"]) == shown
    assert claims["structures_total"] == count
    assert claims["structures_truncated"] is (shown < count)
    assert count <= 3 or claims["structures"][0]["id"] == "s3"


def test_what_was_said_of_rights_is_not_said_of_a_part_of_them() -> None:
    held = [
        StructureRights("s1", "Un", ("r1",), ("e1",), "2027-01-01"),
        StructureRights("s2", "Deux", ("r2",), (), "2027-01-01"),
    ]
    own = Rights(held, "s1", "v1", None, Said(held))
    first = rights_claims(own, limit=None)
    assert rights_claims(own, limit=None) == first == rights_claims(replace(own, said=None), limit=None)
    for other in (
        replace(own, structures=held[1:]),
        replace(own, structures=()),
        replace(own, active="s2"),
        replace(own, version="v2"),
        replace(own, as_of=1.0),
    ):
        assert rights_claims(other, limit=None) == rights_claims(replace(other, said=None), limit=None) != first
    assert rights_claims(own, limit=1) != first != rights_claims(own, limit=None, named=False)
    with pytest.raises(TypeError):
        first["roles"] = ()  # type: ignore[index]
