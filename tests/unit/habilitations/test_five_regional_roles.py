"""The golden test: the five regional roles give exactly what the regional table prints, cell by cell."""

import pytest

from gateway.habilitations.effective_rights import effective_rights
from gateway.habilitations.migration import LostRights, lost_rights
from gateway.habilitations.structure import StructureKind
from tests.unit.habilitations.habilitation_examples import (
    ANONYMOUS,
    EJ,
    ESAT,
    MAPPING,
    NADIA,
    NAMED,
    NOTIFICATIONS,
    NOW,
    REFERENT,
    STATISTICS,
    Scale,
    from_ror,
    habilitation,
)

RIGHTS = (
    "etab.update", "unite.update", "habilitation.update", "tdb.nominatif", "tdb.anonyme",
    "notif.declare", "notif.repondre", "evaluation.read", "stats.read", "medical.read", "user.manage",
)  # fmt: skip

# One line by role, one column by right of RIGHTS, as the regional table prints them; ● is given.
MATRIX = {
    "IAM - MSPH - Référent ESMS (IAM)":                              "● ● ● · · · · · · · ·",
    "IAM - MSPH - ESMS - Gestion des notif. (Nominatif) (IAM)":      "· · · ● · ● ● ● · · ·",
    "IAM - MSPH - ESMS - Consulter les tdb (Nominatif) (IAM)":       "· · · ● · · · · · · ·",
    "IAM - MSPH - ESMS - Consulter les tdb (Anonyme) (IAM)":         "· · · · ● · · · · · ·",
    "IAM - MSPH - Statistiques ESMS (IAM)":                          "· · · · · · · · ● · ·",
}  # fmt: skip

FORMER_LABELS = (
    "Handicap - Référent ESMS",
    "Handicap - ESMS",
    "Handicap - ESMS Social, Éducatif, Pédagogique",
    "Handicap - ESMS Administratif",
    "Handicap - ESMS Médical, Paramédical, Psychologue",
)


def given_by(*labels: str, structure=ESAT) -> set[str]:
    """The rights of Orientation in one structure for a person who holds these labels there."""
    effective = effective_rights(
        account=NADIA,
        habilitations=[(from_ror(label, structure=structure), structure) for label in labels],
        mapping=MAPPING,
        application="orientation",
        acr="low",
        scale=Scale(),
        now=NOW,
    )
    return {right for item in effective.structures for right in item.entitlements}


@pytest.mark.spec("R000-16", "R000-17", "R000-18", "R000-19", "R000-20")
@pytest.mark.parametrize("right", RIGHTS)
@pytest.mark.parametrize("label", MATRIX)
def test_each_cell_of_the_regional_table_is_as_printed(label: str, right: str) -> None:
    cells = dict(zip(RIGHTS, MATRIX[label].split(), strict=True))
    assert (right in given_by(label)) == (cells[right] == "●")


def test_the_mapping_declares_these_five_regional_roles_and_no_other() -> None:
    assert [role.label for role in MAPPING.roles if role.label.startswith("IAM - ")] == list(MATRIX)
    assert all(not role.aliases for role in MAPPING.roles)


@pytest.mark.spec("R000-16")
def test_the_referent_updates_establishment_units_and_habilitations_and_sees_no_dashboard() -> None:
    assert given_by(REFERENT) == {"etab.update", "unite.update", "habilitation.update"}


@pytest.mark.spec("R000-17")
def test_notification_management_gives_the_named_dashboard_notifications_and_evaluation() -> None:
    assert given_by(NOTIFICATIONS) == {"tdb.nominatif", "notif.declare", "notif.repondre", "evaluation.read"}


@pytest.mark.spec("R000-18")
def test_the_named_dashboard_role_gives_the_named_dashboard_only() -> None:
    assert given_by(NAMED) == {"tdb.nominatif"}


@pytest.mark.spec("R000-19", "R000-23")
def test_the_anonymous_dashboard_role_never_reveals_names() -> None:
    assert given_by(ANONYMOUS) == {"tdb.anonyme"}
    assert given_by(ANONYMOUS, STATISTICS, REFERENT).isdisjoint({"tdb.nominatif"})


@pytest.mark.spec("R000-20", "R000-21")
def test_statistics_come_from_their_own_role_and_from_no_other() -> None:
    assert given_by(STATISTICS) == {"stats.read"}
    assert "stats.read" not in given_by(*(label for label in MATRIX if label != STATISTICS))


@pytest.mark.spec("R000-22")
def test_no_role_and_no_former_label_gives_medical_information() -> None:
    assert "medical.read" not in given_by(*MATRIX, *FORMER_LABELS)
    assert "medical.read" in MAPPING.withheld


@pytest.mark.spec("R000-22")
def test_the_migration_report_names_who_loses_medical_information() -> None:
    former = habilitation("Handicap - ESMS Médical, Paramédical, Psychologue")
    current = [habilitation(label) for label in (NOTIFICATIONS, ANONYMOUS, STATISTICS)]
    report = lost_rights([(item, ESAT) for item in (former, *current)], MAPPING, "orientation")
    assert report == [
        LostRights("nadia", ESAT.id, ("Handicap - ESMS Médical, Paramédical, Psychologue",), ("medical.read",))
    ]


@pytest.mark.spec("R000-24")
@pytest.mark.parametrize("label", FORMER_LABELS)
def test_a_former_label_is_recognised_and_gives_nothing(label: str) -> None:
    assert MAPPING.recognise(label).legacy
    assert given_by(label) == set()


@pytest.mark.spec("R000-24")
def test_a_former_label_does_not_hinder_the_regional_roles_beside_it() -> None:
    assert given_by("Handicap - ESMS", ANONYMOUS) == {"tdb.anonyme"}


@pytest.mark.parametrize("label", MATRIX)
def test_the_regional_roles_give_nothing_in_a_legal_person(label: str) -> None:
    assert EJ.kind is StructureKind.EJ
    assert given_by(label, structure=EJ) == set()


@pytest.mark.spec("R000-15")
def test_managing_users_belongs_to_the_regional_portal() -> None:
    assert "user.manage" not in given_by(*MATRIX, *FORMER_LABELS)
    assert "user.manage" in MAPPING.withheld
