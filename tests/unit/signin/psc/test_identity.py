"""Who the person is, from userinfo: by type, whole, or not at all."""

import json
from typing import Any

import pytest

from gateway.signin.psc.national_identifier import IdentifierType, NationalIdentifier, parse_national_identifier
from gateway.signin.psc.refusals import PscRefused
from tests.unit.signin.psc.honest_psc import RPPS, SUBJECT, Visit, activity

OTHER = "99900000011"


def why_refused(visit: Visit) -> str:
    with pytest.raises(PscRefused) as refusal:
        visit.answer()
    assert refusal.value.text == "signin.psc.refused"
    return refusal.value.detail


def said(**changed: Any) -> Visit:
    """A visit of somebody about whom userinfo says this."""
    visit = Visit()
    visit.psc.about |= changed
    if "SubjectNameID" in changed and "preferred_username" not in changed:
        visit.psc.about["preferred_username"] = visit.psc.claims["preferred_username"] = changed["SubjectNameID"]
    return visit


def other_id(value: object, origin: object, quality: object = 1) -> dict[str, Any]:
    return {"identifiant": value, "origine": origin, "qualite": quality}


@pytest.mark.spec("PSC-04")
def test_an_assertion_says_who_the_person_is_and_where_she_works() -> None:
    assertion = Visit().answer()
    assert assertion.rpps == RPPS
    assert [(one.type, one.value) for one in assertion.national_ids] == [(IdentifierType.RPPS, f"8{RPPS}")]
    assert (assertion.family_name, assertion.given_name) == ("KERVALEN", "MAËLLE")
    assert [(one.code, one.family_name, one.know_how) for one in assertion.professions] == [
        ("10", "KERVALEN-PORS", "SM26")
    ]
    assert [(one.mode, one.technical_id, one.finess_site) for one in assertion.activities] == [
        ("L", "R204417", ""),
        ("S", "", "990000010"),
    ]


@pytest.mark.spec("PSC-R19")
def test_no_session_may_outlive_the_four_hours_of_theirs() -> None:
    assertion = Visit().answer()
    assert assertion.expires_at == assertion.auth_time + 4 * 3600


@pytest.mark.spec("PSC-R22", "PSC-05")
def test_an_assertion_shows_no_token() -> None:
    visit = Visit()
    assertion = visit.answer()
    assert assertion.id_token == visit.psc.id_token()
    assert assertion.id_token.split(".")[1] not in repr(assertion)


@pytest.mark.spec("PSC-04", "PSC-R11")
@pytest.mark.parametrize("subject", [SUBJECT.replace("99900000003", OTHER), SUBJECT.upper(), "", None, 5])
def test_userinfo_about_somebody_else_is_refused(subject: object) -> None:
    assert why_refused(said(sub=subject)) == "userinfo: sub"


@pytest.mark.spec("PSC-04")
def test_userinfo_without_a_subject_is_refused() -> None:
    visit = Visit()
    del visit.psc.about["sub"]
    assert why_refused(visit) == "userinfo: sub"


@pytest.mark.spec("PSC-R11", "PSC-R12")
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/jwt", b"eyJhbGciOiJub25lIn0.e30."),
        ("text/html", None),
        ("", None),
        ("application/json", b"<html>"),
        ("application/json", b"[]"),
        ("application/json", b"\xff"),
        ("application/json", b'{"sub":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    ],
)
def test_userinfo_is_a_json_object_or_refused(kind: str, body: bytes | None) -> None:
    visit = Visit()
    visit.psc.userinfo_type, visit.psc.userinfo_body = kind, body
    assert why_refused(visit) in {"userinfo: not JSON", "userinfo: malformed"}


@pytest.mark.spec("PSC-04")
def test_a_claim_written_twice_is_refused() -> None:
    visit = Visit()
    text = json.dumps(visit.psc.about)
    visit.psc.userinfo_body = f'{text[:-1]}, "SubjectNameID": "8{OTHER}"}}'.encode()
    assert why_refused(visit) == "userinfo: malformed"


@pytest.mark.spec("PSC-04")
def test_a_claim_that_is_not_configured_is_dropped_unread() -> None:
    visit = Visit(claims=["SubjectNameID", "preferred_username"])
    visit.psc.about |= {"family_name": ["not read"], "SubjectRefPro": 5, "arbitrary": "member"}
    assertion = visit.answer()
    assert (assertion.family_name, assertion.given_name, assertion.activities) == ("", "", ())


@pytest.mark.spec("PSC-R11")
@pytest.mark.parametrize(
    "value", [None, "", "shapeless", "8999", f"8{RPPS}4", RPPS, f" 8{RPPS}", f"8{RPPS}\n", "８99900000003"]
)
def test_a_person_without_a_national_identifier_is_refused(value: str | None) -> None:
    visit = said(SubjectNameID=value)
    assert why_refused(visit) in {
        "identity: SubjectNameID",
        "userinfo: SubjectNameID",
        "userinfo: preferred_username",
        "id token: preferred_username",
    }


@pytest.mark.parametrize(
    "changed", [{"preferred_username": f"8{OTHER}"}, {"SubjectNameID": f"8{OTHER}", "preferred_username": f"8{RPPS}"}]
)
def test_two_names_for_one_person_must_be_the_same(changed: dict[str, Any]) -> None:
    assert why_refused(said(**changed)) == "identity: SubjectNameID and preferred_username differ"


def test_the_id_tokens_user_name_must_be_the_same_too() -> None:
    visit = Visit()
    visit.psc.claims["preferred_username"] = f"8{OTHER}"
    assert why_refused(visit) == "identity: SubjectNameID and preferred_username differ"
    for name in ("preferred_username",):
        visit = Visit()
        del visit.psc.claims[name], visit.psc.about[name]
        assert visit.answer().rpps == RPPS


@pytest.mark.spec("PSC-04")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SubjectNameID", 899900000003),
        ("family_name", ["KERVALEN"]),
        ("given_name", {"a": 1}),
        ("family_name", "K" * 501),
        ("given_name", "MA\x00ELLE"),
        ("otherIds", "899900000003"),
        ("otherIds", [f"8{RPPS}"]),
        ("otherIds", [other_id(f"8{RPPS}", "RPPS", "1")]),
        ("otherIds", [other_id(f"8{RPPS}", "RPPS", True)]),
        ("otherIds", [other_id(899900000003, "RPPS")]),
        ("otherIds", [other_id(f"8{RPPS}", ["RPPS"])]),
        ("otherIds", [{}] * 201),
        ("SubjectRefPro", "text"),
        ("SubjectRefPro", [1]),
        ("SubjectRefPro", {"exercices": {"a": 1}}),
        ("SubjectRefPro", {"exercices": ["10"]}),
        ("SubjectRefPro", {"exercices": [{"codeProfession": 10}]}),
        ("SubjectRefPro", {"exercices": [{"activities": {"a": 1}}]}),
        ("SubjectRefPro", {"exercices": [{"activities": [activity(numeroFinessSite=990000010)]}]}),
    ],
)
def test_a_member_of_another_type_is_refused(name: str, value: object) -> None:
    visit = Visit()
    visit.psc.about[name] = value
    assert why_refused(visit).startswith("userinfo: ")


@pytest.mark.spec("PSC-R14")
@pytest.mark.parametrize("nothing", [None, "", {}, {"exercices": None}, {"exercices": ""}, {"exercices": []}])
def test_nothing_known_of_the_profession_is_normal(nothing: object) -> None:
    assertion = said(SubjectRefPro=nothing, otherIds=None).answer()
    assert (assertion.professions, assertion.activities, assertion.rpps) == ((), (), RPPS)


@pytest.mark.spec("PSC-R14")
def test_an_exercice_without_activities_and_nulls_everywhere_are_borne() -> None:
    assertion = said(SubjectRefPro={"exercices": [{"codeProfession": None, "activities": None}, {}]}).answer()
    assert [one.code for one in assertion.professions] == ["", ""]


@pytest.mark.spec("PSC-R14")
def test_the_other_spelling_of_other_ids_is_understood_but_not_a_second_opinion() -> None:
    visit = said(SubjectNameID="5" + "0" * 13 + "1/AG0007")
    identifiers = visit.psc.about.pop("otherIds")
    visit.psc.about["otherIDs"] = identifiers
    assert visit.answer().rpps == RPPS
    visit.psc.about["otherIds"] = [other_id(f"8{OTHER}", "RPPS")]
    assert why_refused(visit) == "userinfo: otherIds"


@pytest.mark.spec("PSC-R15", "PSC-R16")
def test_every_activity_of_every_exercice_can_be_chosen() -> None:
    exercices = [
        {"codeProfession": "10", "activities": [activity(numeroFinessSite="990000010"), activity()]},
        {"codeProfession": "51", "activities": [activity(numeroFinessSite="990000028")]},
    ]
    assertion = said(SubjectRefPro={"exercices": exercices}).answer()
    assert [one.code for one in assertion.professions] == ["10", "209"]
    assert [(one.profession, one.finess_site) for one in assertion.activities] == [
        (0, "990000010"),
        (0, ""),
        (1, "990000028"),
    ]


@pytest.mark.spec("PSC-04", "PSC-R13")
@pytest.mark.parametrize(
    ("value", "kind", "rpps"),
    [
        ("899900000003", IdentifierType.RPPS, "99900000003"),
        ("899900000004", IdentifierType.RPPS, "99900000004"),  # a false Luhn key refuses no assertion
        ("0290000123", IdentifierType.ADELI, None),
        ("02A0000123", IdentifierType.ADELI, None),
        ("129000012345/AG1", IdentifierType.CAB_ADELI, None),
        ("3990000010/CPET00012", IdentifierType.FINESS, None),
        ("4123456789/AG1", IdentifierType.SIREN, None),
        ("500000000000001/AG0007", IdentifierType.SIRET, None),
        ("699900000003006/AG0007", IdentifierType.CAB_RPPS, None),
        ("89990000-0003-4abc-8def-000000000003", IdentifierType.PSI, None),
        ("ANS20260115103000123", IdentifierType.EDIT, None),
    ],
)
def test_an_identifier_is_read_by_its_type(value: str, kind: IdentifierType, rpps: str | None) -> None:
    identifier = parse_national_identifier(value)
    assert identifier is not None
    assert (identifier.type, identifier.value, identifier.rpps) == (kind, value, rpps)


@pytest.mark.spec("PSC-04", "LNK-05")
def test_the_type_makes_the_rpps_not_the_digits() -> None:
    assert NationalIdentifier(IdentifierType.ADELI, f"8{RPPS}").rpps is None


@pytest.mark.spec("PSC-04")
def test_a_kept_claim_that_nobody_reads_yet_has_its_type_too() -> None:
    visit = Visit(claims=["SubjectNameID", "SubjectRole"])
    visit.answer()
    visit.psc.about["SubjectRole"] = "10"
    assert why_refused(visit) == "userinfo: SubjectRole"


@pytest.mark.spec("PSC-R13")
@pytest.mark.parametrize(
    "value",
    ["", "8", "99900000003", "8999000000031", "89990000000A", "21234",
     "912345678", "7123", "10personne@mssante.test", "3990000010", "500/AG",
     "89990000-0003-4ABC-8def-000000000003", "ans20260115103000123", "8９９９00000003", "3990000010/a b"],
)  # fmt: skip
def test_what_has_no_known_shape_is_no_identifier(value: str) -> None:
    assert parse_national_identifier(value) is None


@pytest.mark.spec("PSC-04")
@pytest.mark.parametrize(
    "identifier",
    ["0290000123", "500000000000001/AG0007", "699900000003006/AG0007", "89990000-0003-4abc-8def-000000000003"],
)
def test_only_an_entry_that_says_so_gives_an_rpps_to_who_has_another_identifier(identifier: str) -> None:
    assert said(SubjectNameID=identifier, otherIds=[]).answer().rpps is None
    assertion = said(SubjectNameID=identifier, otherIds=[other_id(f"8{RPPS}", "RPPS")]).answer()
    assert assertion.rpps == RPPS
    assert [one.value for one in assertion.national_ids] == [identifier, f"8{RPPS}"]


@pytest.mark.spec("PSC-04")
@pytest.mark.parametrize(
    "entry",
    [
        other_id(f"8{RPPS}", "ADELI"),
        other_id(f"8{RPPS}", "rpps"),
        other_id(f"8{RPPS}", ""),
        other_id(f"8{RPPS}", None),
        other_id(f"8{RPPS}", "RASS"),
        other_id(f"8{RPPS}", "RPPS", 2),
        other_id(f"8{RPPS}", "RPPS", None),
        other_id("699900000003006/AG0007", "CAB_RPPS"),
        {},
    ],
)
def test_an_entry_of_another_origin_or_unsure_gives_no_rpps(entry: dict[str, Any]) -> None:
    assert said(SubjectNameID="0290000123", otherIds=[entry]).answer().rpps is None


@pytest.mark.spec("PSC-04", "LNK-05")
@pytest.mark.parametrize("value", ["0290000123", RPPS, "", f"8{RPPS}0", "89990000-0003-4abc-8def-000000000003"])
def test_an_rpps_of_another_shape_refuses(value: str) -> None:
    assert why_refused(said(otherIds=[other_id(value, "RPPS")])) == "identity: an RPPS of another shape"


def test_two_different_rpps_refuse() -> None:
    assert why_refused(said(otherIds=[other_id(f"8{OTHER}", "RPPS")])) == "identity: two different RPPS"
    entries = [other_id(f"8{RPPS}", "RPPS"), other_id(f"8{OTHER}", "RPPS")]
    assert why_refused(said(SubjectNameID="0290000123", otherIds=entries)) == "identity: two different RPPS"


def test_the_identifier_of_before_is_kept_beside_the_rpps() -> None:
    assertion = said(otherIds=[other_id(f"8{RPPS}", "RPPS"), other_id("0290000123", "ADELI")]).answer()
    assert [one.type for one in assertion.national_ids] == [IdentifierType.RPPS, IdentifierType.ADELI]


@pytest.mark.spec("PSC-R13")
@pytest.mark.parametrize("identifier", ["899700182738", "ANS20260115103000123"])
def test_the_agencys_test_people_do_not_sign_in_to_production(identifier: str) -> None:
    def visit(**changed: Any) -> Visit:
        one = Visit(**changed)
        one.psc.about |= {"SubjectNameID": identifier, "preferred_username": identifier, "otherIds": []}
        one.psc.claims["preferred_username"] = identifier
        return one

    assert visit().answer()
    assert why_refused(visit(test_identities=False)) == "identity: of the test range"
