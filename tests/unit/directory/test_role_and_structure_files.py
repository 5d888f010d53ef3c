from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.directory.delimited_file import UnreadableFileError
from gateway.directory.role_file import COLUMNS, RoleFile
from gateway.directory.structure_file import StructureFile
from gateway.habilitations.ports import RoleRecord
from gateway.habilitations.structure import Structure, StructureKind

HEADER = "rpps;idnat;email;login;finess;siret;idnat_struct;role_label;start;end"
REFERENT = "IAM - MSPH - Référent ESMS (IAM)"
LINE = f"99900000011;;;;990000010;;;{REFERENT};2026-03-10;2027-03-09"


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "file.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def roles(folder: Path, content: str | bytes, **bounds: int) -> list[RoleRecord]:
    return list(RoleFile(written(folder, content), source="ror", seen_at=5.0, **bounds).records())


def refusal(folder: Path, content: str | bytes, **bounds: int) -> str:
    with pytest.raises(UnreadableFileError) as refused:
        roles(folder, content, **bounds)
    return str(refused.value)


EXPECTED = RoleRecord(
    ("rpps", "99900000011"), ("finess", "990000010"), REFERENT, "2026-03-10", "2027-03-09", "ror", 5.0
)


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end_of_line", ["\n", "\r\n"])
@pytest.mark.parametrize("separator", [";", "|"])
def test_a_role_file_is_read_with_either_separator_line_end_and_with_or_without_bom(
    tmp_path: Path, bom: bytes, end_of_line: str, separator: str
) -> None:
    text = (HEADER + "\n" + LINE + "\n\n").replace(";", separator).replace("\n", end_of_line)
    assert roles(tmp_path, bom + text.encode()) == [EXPECTED]


def test_columns_are_known_by_their_names_and_may_be_absent(tmp_path: Path) -> None:
    text = f"role_label;finess;login\n{REFERENT};990000010;n.benali"
    assert roles(tmp_path, text) == [
        RoleRecord(("login", "n.benali"), ("finess", "990000010"), REFERENT, None, None, "ror", 5.0)
    ]


def test_the_first_filled_identifier_names_the_person_and_the_structure(tmp_path: Path) -> None:
    line = f";899900000011;a@b.test;n.benali;;12345678901234;1990000010;{REFERENT};;"
    (record,) = roles(tmp_path, f"{HEADER}\n{line}")
    assert (record.person, record.structure) == (("idnat", "899900000011"), ("siret", "12345678901234"))


def test_a_label_may_be_quoted_and_hold_the_separator(tmp_path: Path) -> None:
    text = f'{HEADER}\n99900000011;;;;990000010;;;"Rôle; ""spécial""";;'
    assert roles(tmp_path, text)[0].role_label == 'Rôle; "spécial"'


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (";;;;990000010;;;Label;;", "no person"),
        ("99900000011;;;;;;;Label;;", "no structure"),
        ("9990000001;;;;990000010;;;Label;;", "rpps is not 11 digits"),
        ("９９９０００００01１;;;;990000010;;;Label;;", "rpps is not 11 digits"),
        ("99900000011;;not an address;;990000010;;;Label;;", "email is not an address"),
        ("99900000011;;;;99000001;;;Label;;", "finess is not 9 letters or digits"),
        ("99900000011;;;;990000010;123;;Label;;", "siret is not 14 digits"),
        ("99900000011;;;;990000010;;;;;", "role_label is empty"),
        ("99900000011;;;;990000010;;;" + "x" * 201 + ";;", "role_label is longer"),
        ("99900000011;;;;990000010;;;La\x07bel;;", "control characters"),
        ("99900000011;;;;990000010;;;Label;10/03/2026;", "start: '10/03/2026' is not a date"),
        ("99900000011;;;;990000010;;;Label;;2026-02-30", "end: "),
        ("99900000011;;;;990000010;;;Label;", "9 values under 10 columns"),
        ('99900000011;;;;990000010;;;"Label";;;', "11 values under 10 columns"),
        ('99900000011;;;;990000010;;;"La"bel;;', "line 3"),
    ],
)
def test_a_wrong_line_refuses_the_whole_file_and_is_named_by_its_number(
    tmp_path: Path, line: str, sentence: str
) -> None:
    message = refusal(tmp_path, f"{HEADER}\n{LINE}\n{line}\n")
    assert message.startswith("file.csv: line 3: ")
    assert sentence in message


def test_the_first_ten_wrong_lines_are_shown(tmp_path: Path) -> None:
    message = refusal(tmp_path, "\n".join([HEADER, *["bad;line"] * 14]))
    assert message.count("\n") == 10
    assert "line 11: " in message
    assert message.endswith("and 4 more wrong lines")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "the header is missing"),
        (HEADER.replace("login", "password"), "unknown column 'password'"),
        (HEADER.replace("idnat;", "rpps;"), "the column rpps stands twice"),
        ("rpps;finess", "the column role_label is missing"),
        (HEADER.replace(";", ","), "unknown column"),
        (f"{HEADER}\n".encode() + b"\xe9", "line 2: is not UTF-8"),
    ],
)
def test_a_file_of_another_shape_is_refused(tmp_path: Path, content: str | bytes, sentence: str) -> None:
    assert sentence in refusal(tmp_path, content)


def test_a_file_above_the_size_bound_is_refused(tmp_path: Path) -> None:
    text = f"{HEADER}\n{LINE}"
    size = len(text.encode())
    assert len(roles(tmp_path, text, max_octets=size)) == 1
    assert "larger" in refusal(tmp_path, text, max_octets=size - 1)


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="cannot be read"):
        RoleFile(tmp_path / "absent.csv", source="ror", seen_at=0.0).records()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300) | st.text(f'{"|;".join(COLUMNS)}\n"\x00 ', max_size=300).map(str.encode))
def test_no_content_makes_the_reader_fall(tmp_path: Path, content: bytes) -> None:
    for reader in (
        RoleFile(written(tmp_path, content), source="ror", seen_at=0.0),
        StructureFile(tmp_path / "file.csv"),
    ):
        try:
            list(reader.records() if isinstance(reader, RoleFile) else reader.structures())
        except UnreadableFileError as refused:
            assert str(refused).startswith("file.csv: ")


STRUCTURE_HEADER = "kind;finess;siret;finess_ej;name;category;region;department;active"


def structures(folder: Path, *lines: str) -> list[Structure]:
    return list(StructureFile(written(folder, "\n".join([STRUCTURE_HEADER, *lines]))).structures())


def test_structures_are_read_with_their_public_identifier(tmp_path: Path) -> None:
    assert structures(
        tmp_path,
        "EJ;990000002;;;Association;;93;13;1",
        "EG;990000010;12345678901234;990000002;ESAT;246;93;13;0",
        "LOCAL;;12345678901234;;Territoire;;93;13;1",
    ) == [
        Structure("finej:990000002", StructureKind.EJ, "Association", finess="990000002", region="93", department="13"),
        Structure(
            "fineg:990000010", StructureKind.EG, "ESAT", "990000010", "12345678901234",
            "finej:990000002", "246", "93", "13", active=False,
        ),
        Structure("siret:12345678901234", StructureKind.LOCAL, "Territoire", siret="12345678901234", region="93",
                  department="13"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("OI;990000010;;;ESAT;;;;1", "kind is 'OI'"),
        ("EG;;;;ESAT;;;;1", "needs a finess"),
        ("LOCAL;990000010;;;ESAT;;;;1", "needs a siret"),
        ("EG;99000001;;;ESAT;;;;1", "finess is not"),
        ("EG;990000010;;99;ESAT;;;;1", "finess_ej is not"),
        ("EJ;990000010;;990000002;ESAT;;;;1", "only an EG has a legal person"),
        ("EG;990000010;;;;;;;1", "name is empty"),
        ("EG;990000010;;;ESAT;;;;oui", "active is 'oui'"),
        ("EG;990000010;;;ESAT;;;;", "active is ''"),
    ],
)
def test_a_wrong_structure_refuses_the_file(tmp_path: Path, line: str, sentence: str) -> None:
    with pytest.raises(UnreadableFileError, match=r"line 2: .*" + sentence.replace("(", r"\(")):
        structures(tmp_path, line)


def test_the_same_structure_on_two_lines_refuses_the_file(tmp_path: Path) -> None:
    line = "EG;990000010;;;ESAT;;;;1"
    with pytest.raises(UnreadableFileError, match="line 3: fineg:990000010 stands on an earlier line too"):
        structures(tmp_path, line, line)


def test_a_structure_without_finess_is_known_by_its_siret_or_by_an_identifier_of_the_source(tmp_path: Path) -> None:
    header = "kind;finess;siret;local_id;name;active"
    lines = ["LOCAL;;99900001100018;A-1;Relais;1", "LOCAL;;;MAISON-1;Maison;1"]
    file = written(tmp_path, "\n".join([header, *lines]))
    assert [(found.id, found.kind, found.finess) for found in StructureFile(file).structures()] == [
        ("siret:99900001100018", StructureKind.LOCAL, None),
        ("local:MAISON-1", StructureKind.LOCAL, None),
    ]
    for line in ("LOCAL;;;;Personne;1", "LOCAL;;;maison 1;Maison;1"):
        with pytest.raises(UnreadableFileError, match="local_id"):
            list(StructureFile(written(tmp_path, f"{header}\n{line}")).structures())


def test_a_role_may_name_a_structure_by_the_identifier_of_the_source(tmp_path: Path) -> None:
    (record,) = roles(tmp_path, "login;local_id;role_label\ni.fabre;MAISON-1;Suivi - Collaborateur")
    assert record.structure == ("local_id", "MAISON-1")
