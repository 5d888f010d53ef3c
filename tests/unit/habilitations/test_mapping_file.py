from pathlib import Path

import pytest

from gateway.habilitations.mapping_file import lint, read_mapping
from gateway.habilitations.structure import StructureKind
from gateway.settings import ConfigurationError

PLAIN = """
version: "1"
roles:
  r: {label: "Role"}
legacy: [{label: "Old"}]
withheld: [medical.read]
applications:
  app:
    rights: [a.right]
    rules:
      - {when: &when {role: r, structure: [EG], category: ["246"], profession: ["60^1.2.250.1.71.1.2.7"]},
         give: [app.role], rights: [a.right]}
"""


def written(folder: Path, content: str) -> Path:
    path = folder / "roles.yaml"
    path.write_text(content, "utf-8")
    return path


def test_a_mapping_is_read_with_its_conditions(tmp_path: Path) -> None:
    (rule,) = read_mapping(written(tmp_path, PLAIN)).rules_for("app")
    assert (rule.give, rule.rights, rule.min_acr) == (("app.role",), ("a.right",), None)
    assert rule.when.structure == {StructureKind.EG}
    assert (rule.when.category, rule.when.profession) == ({"246"}, {"60^1.2.250.1.71.1.2.7"})


def test_the_version_changes_with_the_content(tmp_path: Path) -> None:
    before = read_mapping(written(tmp_path, PLAIN)).version
    after = read_mapping(written(tmp_path, PLAIN + "# reviewed\n")).version
    assert before.startswith("1+")
    assert before != after
    assert read_mapping(written(tmp_path, PLAIN)).version == before


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("role: r,", "role: s,", "names a role that is not declared"),
        ("rights: [a.right]}", "rights: [b.right]}", "not in the application's rights"),
        ("rights: [a.right]}", "rights: [medical.read]}", "which is withheld"),
        ('label: "Old"', 'label: "Role"', "written twice"),
        ("structure: [EG]", "structure: [ESMS]", "structure.0"),
        ("structure: [EG]", "structures: [EG]", "no such key"),
        ("structure: [EG]", "expand: children", "no such key"),
        ('["246"]', "[ESAT]", "category.0"),
        ("60^1.2.250.1.71.1.2.7", "infirmier", "profession.0"),
        ("give: [app.role]", "give: []", "give"),
        ('version: "1"\n', "", "version: this key is missing"),
        ('  r: {label: "Role"}', '  r: {label: "Role"}\n  r: {label: "Other"}', "the key r is written twice"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    assert old in PLAIN
    with pytest.raises(ConfigurationError, match=r"roles\.yaml") as refused:
        read_mapping(written(tmp_path, PLAIN.replace(old, new)))
    assert sentence in str(refused.value)


def remarks(folder: Path, content: str, *, authority: str = "ror") -> list[str]:
    return lint(read_mapping(written(folder, content)), account_authority=authority, known_levels=["urn:x:low"])


def test_a_mapping_without_remark_is_clean(tmp_path: Path) -> None:
    assert remarks(tmp_path, PLAIN) == []


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('  r: {label: "Role"}', '  r: {label: "Role"}\n  s: {label: "Other"}', "the role s is used by no rule"),
        ("rights: [a.right]\n", "rights: [a.right, b.right]\n", "no rule gives b.right"),
        ("rights: [a.right]}", "rights: [a.right], min_acr: urn:x:high}", "urn:x:high is not in assurance.yaml"),
    ],
)
def test_the_lint_says_what_is_suspect(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    assert old in PLAIN
    assert any(sentence in remark for remark in remarks(tmp_path, PLAIN.replace(old, new)))


def test_two_rules_with_the_same_conditions_are_suspect(tmp_path: Path) -> None:
    again = "      - {when: *when, give: [app.other]}\n"
    assert any("same conditions" in remark for remark in remarks(tmp_path, PLAIN + again))


@pytest.mark.spec("R000-15")
def test_managing_users_is_suspect_where_the_regional_source_is_the_authority(tmp_path: Path) -> None:
    content = PLAIN.replace("a.right", "user.manage")
    assert any("user.manage" in remark for remark in remarks(tmp_path, content))
    assert remarks(tmp_path, content, authority="gateway") == []
