"""`scope_all`: an application written for Pro Santé Connect reads us as it reads it (DECISIONS 10)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from gateway.oidc.psc_claims import PSC_CLAIMS
from sandbox.psc.personas import PERSONAS_FILE, Personas
from sandbox.psc.userinfo import userinfo_claims
from tests.protocol.provider import ACCOUNT, ALL_SCOPES, Provider, claims_of, client, json_of


@dataclass(frozen=True)
class Professional:
    national_id: str
    name: str
    profession: str
    situations: tuple[str, ...]
    organisation: str


def read_like_a_psc_application(said: Mapping[str, Any]) -> Professional:
    """Written against the userinfo of Pro Santé Connect alone, as its applications are: no default, no second name."""
    assert said["SubjectNameID"] == said["preferred_username"]
    assert any(one["identifiant"] == said["SubjectNameID"] and one["origine"] == "RPPS" for one in said["otherIds"])
    [role] = said["SubjectRole"]
    code, _, system = role.partition("^")
    assert system == "1.2.250.1.213.1.1.5.5"
    exercices = said["SubjectRefPro"]["exercices"]
    assert [exercice["codeProfession"] for exercice in exercices] == [code]
    situations = [f"{one['codeProfession']}{one['codeCategorieProfessionnelle']}" for one in exercices]
    sites = [activity["numeroFinessSite"] for one in exercices for activity in one["activities"]]
    assert said["Acces_Regulation_Medicale"] in {"VRAI", "FAUX"}
    return Professional(
        said["SubjectNameID"],
        f"{said['given_name']} {said['family_name']}",
        code,
        (*situations, *sites),
        said["SubjectOrganization"] or said["SubjectOrganizationID"],
    )


def shape(value: Any) -> Any:
    """Names and types; of a list, those of its first item."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value[:1]]
    return type(value)


@pytest.fixture
def provider() -> Provider:
    made = Provider()
    made.clients.clients["orientation"] = client(scopes=ALL_SCOPES | {"scope_all"})
    return made


def proven(provider: Provider, **changes: Any) -> None:
    values = {"rpps_proof": "psc", **changes}
    provider.people.known[ACCOUNT] = replace(provider.people.known[ACCOUNT], **values)


def said_under(provider: Provider, scope: str = "openid scope_all", **changes: str) -> dict[str, Any]:
    return json_of(provider.userinfo(provider.tokens(scope=scope, **changes)["access_token"]))


@pytest.mark.parametrize("by", ["card", "psc"])
def test_an_application_written_for_psc_reads_us_unchanged(provider, by):
    proven(provider, rpps_proof=by)
    read = read_like_a_psc_application(said_under(provider, acr_values="eidas1"))
    assert read == Professional("899900000003", "Camille Exemple", "60", ("60",), "")


def test_it_has_every_claim_of_psc_in_its_form(provider):
    """Compared with the one of the local world, which is written from the samples and knows nothing of us."""
    proven(provider)
    persona = next(one for one in Personas.read(PERSONAS_FILE).everyone if len(one.exercices or []) == 1)
    theirs = userinfo_claims(persona, subject="s", auth_mode="CARD", scope_all=True)
    assert read_like_a_psc_application(theirs).national_id == persona.national_id
    ours = said_under(provider)
    for exercice in theirs["SubjectRefPro"]["exercices"]:
        exercice["activities"] = []  # our list has none: an account does not say where a person practises
    assert shape(ours) == shape(theirs)


@pytest.mark.spec("TOK-07")
@pytest.mark.parametrize(
    "changes",
    [{"rpps_proof": "declared"}, {"rpps_proof": None}, {"rpps": None}],
    ids=["declared", "unknown", "no-number"],
)
def test_nothing_is_said_of_a_number_that_nothing_proved(provider, changes):
    proven(provider, **changes)
    claims = '{"userinfo":{"SubjectNameID":null,"given_name":null},"id_token":{"SubjectRole":null}}'
    answer = provider.tokens(scope="openid scope_all")
    assert json_of(provider.userinfo(answer["access_token"])) == {"sub": ACCOUNT}
    provider.clients.clients["orientation"] = client(scopes=frozenset({"openid", "scope_all"}))
    asked = provider.tokens(scope="openid", claims=claims)
    assert json_of(provider.userinfo(asked["access_token"])) == {"sub": ACCOUNT}
    assert not set(claims_of(asked["id_token"])) & set(PSC_CLAIMS)


@pytest.mark.spec("TOK-07")
def test_it_is_in_userinfo_alone_and_under_its_scope_alone(provider):
    proven(provider)
    answer = provider.tokens(scope="openid scope_all")
    for token in (answer["access_token"], answer["id_token"]):
        assert not set(claims_of(token)) & set(PSC_CLAIMS)
    assert set(said_under(provider)) == {"sub", *PSC_CLAIMS}
    assert not {name for name in said_under(provider, "openid profile rpps profession") if name in PSC_ALONE}


PSC_ALONE = set(PSC_CLAIMS) - {"given_name", "family_name"}


def test_nothing_of_an_answer_of_psc_is_in_it(provider):
    """Whatever the session holds of the upstream sign-in, it is not read: the account alone is."""
    session = provider.sign_in()
    marks = {"id_token": "upstream-secret", "acr": "eidas3", "issuer": "https://psc.example", "kind": "upstream-kind"}
    provider.ephemeral.sessions[session.handle] = replace(session, upstream=marks)
    proven(provider)
    said = said_under(provider)
    assert not [mark for mark in marks.values() if mark in str(said)]
    assert said["authMode"] == said["Palier_Authentification"] == ""


def test_what_is_not_known_is_an_empty_text_and_never_missing(provider):
    for profession in (None, "101^9.9.9"):
        proven(provider, profession=profession)
        said = said_under(provider)
        assert set(said) == {"sub", *PSC_CLAIMS}
        assert said["SubjectRole"] == []
        assert said["SubjectRefPro"] == {"codeCivilite": "", "exercices": []}


@pytest.mark.spec("OID-12")
def test_discovery_names_its_claims_once(provider):
    found = json_of(provider.machine("GET", "/.well-known/openid-configuration"))
    assert "scope_all" in found["scopes_supported"]
    assert set(PSC_CLAIMS) <= set(found["claims_supported"])
    assert len(set(found["claims_supported"])) == len(found["claims_supported"])
