"""The reference tenant and the demo's data are coherent: what the files say is what the demo's people will see."""

import math
from pathlib import Path

import pytest
import yaml

from gateway.accounts.account import Account, AccountStatus
from gateway.accounts.identifiers import luhn_ok, parse_email, parse_username
from gateway.applications.registry import ClientRegistry
from gateway.directory.role_file import RoleFile
from gateway.directory.structure_file import StructureFile
from gateway.habilitations.import_roles import RoleImport
from gateway.habilitations.import_structures import import_structures
from gateway.habilitations.live_rights import LiveRights
from gateway.habilitations.mapping_file import lint
from gateway.signin.assurance import AssuranceScale
from tests.unit.habilitations.habilitation_examples import (
    MAPPING,
    NOW,
    REPOSITORY,
    Counter,
    FixedClock,
    KeptHabilitations,
    KnownAccounts,
    KnownStructures,
)

IDP_CONFIG = REPOSITORY / "idp_config"
DATA = REPOSITORY / "sandbox" / "data"
PEOPLE = yaml.safe_load((DATA / "people.yaml").read_text("utf-8"))
RANKING = yaml.safe_load((IDP_CONFIG / "assurance.yaml").read_text("utf-8"))["ranking"]
AUTHORITY = yaml.safe_load((IDP_CONFIG / "tenant.yaml").read_text("utf-8"))["account_authority"]


def account(person: dict[str, str]) -> Account:
    return Account(
        id=person["username"],
        username=person["username"],
        family_name=person["family_name"],
        given_name=person["given_name"],
        email=person["email"],
        status=AccountStatus(person["status"]),
        created_at=0.0,
        rpps=person["rpps"] or None,
        profession=person.get("profession"),
    )


def test_the_mapping_of_the_reference_tenant_is_clean() -> None:
    levels = [level for equals in RANKING for level in equals]
    assert lint(MAPPING, account_authority=AUTHORITY, known_levels=levels) == []


def test_the_ranking_of_the_levels_is_one_the_gateway_accepts() -> None:
    scale = AssuranceScale(RANKING)
    assert scale.satisfies("urn:passerelle:acr:card", "urn:passerelle:acr:psc")
    assert not scale.satisfies("urn:passerelle:acr:pwd-otp-mail", "urn:passerelle:acr:pwd-otp-sms")


def test_every_application_has_its_rules() -> None:
    clients = ClientRegistry(IDP_CONFIG / "clients", loopback_http=True).all()
    assert {client.role_application for client in clients} == set(MAPPING.applications)


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person["username"])
def test_every_person_of_the_demo_is_fictitious_and_well_formed(person: dict[str, str]) -> None:
    assert person["name"] == f"{person['given_name']} {person['family_name']}"
    assert parse_username(person["username"]) == person["username"]
    assert parse_email(person["email"]) == person["email"]
    assert person["email"].endswith("@demo.passerelle.test")
    assert not person["rpps"] or (person["rpps"].startswith("999") and luhn_ok(person["rpps"]))
    assert not person.get("phone") or person["phone"].startswith("+3363998")
    assert person["why"]


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person["username"])
def test_every_password_of_the_demo_is_long_enough(person: dict[str, str]) -> None:
    password, administrator = person["password"], person.get("administrator", False)
    if person["status"] == "invited":
        assert password == ""
        return
    classes = (str.islower, 26), (str.isupper, 26), (str.isdigit, 10), (lambda c: not c.isalnum(), 37)
    alphabet = sum(size for belongs, size in classes if any(belongs(character) for character in password))
    assert len(password) >= (15 if administrator else 12)
    assert len(password) * math.log2(alphabet) >= (80 if administrator else 50)
    assert person["family_name"].lower() not in password


def demo() -> tuple[LiveRights, KnownStructures, KeptHabilitations]:
    structures = KnownStructures()
    clock = FixedClock()
    import_structures(
        reader=StructureFile(DATA / "structures.csv"), structures=structures, source="structures", clock=clock
    )
    accounts = KnownAccounts(*(account(person) for person in PEOPLE))
    habilitations = KeptHabilitations(structures)
    importer = RoleImport(
        accounts=accounts,  # type: ignore[arg-type]
        structures=structures,
        habilitations=habilitations,
        mapping=MAPPING,
        clock=clock,
        randomness=Counter(),
    )
    plan = importer.run(RoleFile(Path(DATA / "roles.csv"), source="ror", seen_at=NOW), source="ror")
    assert plan.changes.unknown_labels == {"IAM - MSPH - Lecture seule (IAM)": 1}
    assert (plan.changes.unknown_people, plan.changes.unknown_structures) == (1, 0)  # Jean Petit is archived
    live = LiveRights(
        accounts=accounts,  # type: ignore[arg-type]
        habilitations=habilitations,
        mapping=lambda: MAPPING,
        scale=AssuranceScale(RANKING),
    )
    return live, structures, habilitations


def test_the_people_of_the_demo_receive_what_their_story_says() -> None:
    live, structures, _ = demo()

    def stories(application: str) -> dict[str, dict[str, tuple[str, ...]]]:
        told = {}
        for person in PEOPLE:
            found, _, _ = live.rights(person["username"], application, "urn:passerelle:acr:pwd-otp-mail", NOW)
            told[person["username"]] = {item.structure.id: item.roles for item in found}
        return told

    assert stories("orientation") == {
        "n.benali": {
            "fineg:990000010": ("msph.notif", "msph.referent", "msph.stats"),
            "fineg:990000028": ("msph.tdb_nom",),
        },
        "p.girard": {"fineg:990000028": ("msph.notif",)},
        "c.morel": {},
        "j.petit": {},
        "s.leroy": {},
        "k.haddad": {"fineg:990000028": ("msph.tdb_anon",)},
        "e.marchand": {},
        "i.fabre": {},
        "t.renaud": {"fineg:990000010": ("msph.referent",)},
    }
    assert {username: roles for username, roles in stories("suivi").items() if roles} == {
        "n.benali": {"siret:99900001100018": ("suivi.collaborateur",)},
        "p.girard": {
            "local:MAISON-PARTAGEE-1": ("suivi.responsable",),
            "siret:99900002900010": ("suivi.collaborateur",),
        },
        "i.fabre": {"siret:99900001100018": ("suivi.responsable",)},
    }
    numbers = [structure.finess or structure.siret for structure in structures.by_id.values()]
    assert all(luhn_ok(number) for number in numbers if number is not None)
