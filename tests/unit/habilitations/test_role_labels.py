import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.habilitations.role_label import canonical_label, near_misses
from gateway.habilitations.role_mapping import (
    LegacyLabel,
    MappedApplication,
    MappedRole,
    MappingError,
    RoleMapping,
    Rule,
    When,
)
from tests.unit.habilitations.habilitation_examples import MAPPING, REFERENT

LABELS = [role.label for role in MAPPING.roles]
SPACES = st.text(" \t\u00a0\u202f\u2009", min_size=1, max_size=4)


@given(label=st.sampled_from(LABELS), spaces=SPACES, form=st.sampled_from(["NFC", "NFD"]))
def test_a_label_is_the_same_however_its_accents_and_spaces_are_written(label: str, spaces: str, form: str) -> None:
    written = spaces + unicodedata.normalize(form, label).replace(" ", spaces) + spaces
    assert MAPPING.role_of(written) == MAPPING.role_of(label) is not None


@given(st.text(max_size=40))
def test_the_canonical_form_is_its_own_canonical_form(text: str) -> None:
    assert canonical_label(canonical_label(text)) == canonical_label(text)


@pytest.mark.parametrize(
    "typed",
    [
        "IAM - MSPH - référent ESMS (IAM)",
        "IAM - MSPH - Referent ESMS (IAM)",
        "IAM - MSPH - Référent ESMS",
        "IAM – MSPH – Référent ESMS (IAM)",
    ],
)
def test_a_near_miss_is_reported_and_never_taken(typed: str) -> None:
    assert MAPPING.role_of(typed) is None
    recognition = MAPPING.recognise(typed)
    assert (recognition.role, recognition.legacy) == (None, False)
    assert REFERENT in recognition.near


def test_named_and_anonymous_dashboards_are_not_taken_for_each_other() -> None:
    assert MAPPING.role_of("IAM - MSPH - ESMS - Consulter les tdb (Nominatif) (IAM)") == "msph_dashboard_named"
    assert MAPPING.role_of("IAM - MSPH - ESMS - Consulter les tdb (Anonyme) (IAM)") == "msph_dashboard_anonymous"


def test_something_else_altogether_is_near_nothing() -> None:
    assert near_misses("Facturation - Lecture", LABELS) == ()


@given(st.text(max_size=60))
def test_no_other_text_is_a_role(text: str) -> None:
    known = {canonical_label(label) for label in LABELS}
    assert (MAPPING.role_of(text) is not None) == (canonical_label(text) in known)


def mapping(rule: Rule, *roles: MappedRole, legacy: str = "Old", withheld: str = "never.given") -> RoleMapping:
    application = MappedApplication("app", frozenset({"a.right", withheld}), (rule,))
    declared = roles or (MappedRole("r", "Role"),)
    return RoleMapping("1", declared, (LegacyLabel(legacy),), frozenset({withheld}), {"app": application})


GOOD = Rule(When("r"), ("role",), ("a.right",))


def test_an_alias_is_another_name_of_the_same_role() -> None:
    found = mapping(GOOD, MappedRole("r", "Role", ("Rôle",)))
    assert found.role_of("Rôle") == found.role_of("Role") == "r"


@pytest.mark.parametrize(
    ("rule", "roles", "legacy", "sentence"),
    [
        (GOOD, (MappedRole("r", "Role", ("Role ",)),), "Old", "written twice"),
        (GOOD, (MappedRole("r", "Role"), MappedRole("s", "Role")), "Old", "written twice"),
        (GOOD, (MappedRole("r", "Role"), MappedRole("r", "Other")), "Old", "declared twice"),
        (GOOD, (), "Role", "written twice"),
        (Rule(When("x"), ("role",), ()), (), "Old", "not declared"),
        (Rule(When("r"), (), ("a.right",)), (), "Old", "gives no role"),
        (Rule(When("r"), ("role",), ("never.given",)), (), "Old", "withheld"),
        (Rule(When("r"), ("role",), ("strange.right",)), (), "Old", "not in the application's rights"),
    ],
)
def test_a_mapping_that_contradicts_itself_is_refused(
    rule: Rule, roles: tuple[MappedRole, ...], legacy: str, sentence: str
) -> None:
    with pytest.raises(MappingError, match=sentence):
        mapping(rule, *roles, legacy=legacy)
