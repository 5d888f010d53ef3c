"""What an application written for Pro Santé Connect reads under `scope_all`, said by us of a person we know (DECISIONS 10).

The names and forms are theirs (userinfo: every leaf is text, "" is what is not known, yes and no are VRAI and FAUX); every
value is ours, from the account alone: nothing of an answer of Pro Santé Connect is kept or passed on. So what only its registry
knows (where a person practises, as what, under which roof) is there and empty, and how she signed in is said by `acr` and
`amr`, never here. Nothing at all is said of a person whose RPPS neither the card nor Pro Santé Connect proved.
"""

from typing import Any

from gateway.oidc.ports import Person

PROVEN_BY = frozenset({"card", "psc"})
RPPS_TYPE = "8"
"""First character of a national identifier (TRE_G08): an RPPS number follows."""
ROLE_SYSTEM = "1.2.250.1.213.1.1.5.5"
"""Under which `SubjectRole` names a profession of TRE_G15."""
PROFESSION_SYSTEM = "1.2.250.1.71.1.2.7"
"""TRE_G15, under which accounts name it."""
LOCAL_POLICY = "1.2.250.1.213.1.3.1.1"
PSC_CLAIMS = (
    "SubjectNameID",
    "preferred_username",
    "given_name",
    "family_name",
    "otherIds",
    "SubjectRole",
    "Secteur_Activite",
    "SubjectOrganization",
    "SubjectOrganizationID",
    "PSI_Locale",
    "Mode_Acces_Raison",
    "Acces_Regulation_Medicale",
    "UITVersion",
    "Palier_Authentification",
    "authMode",
    "SubjectRefPro",
)


def psc_claims(person: Person) -> dict[str, Any]:
    """By name; empty when the number is not proven."""
    if person.rpps is None or person.rpps_proof not in PROVEN_BY:
        return {}
    national_id = f"{RPPS_TYPE}{person.rpps}"
    profession = _profession_of(person)
    return {
        "SubjectNameID": national_id,
        "preferred_username": national_id,
        "given_name": person.given_name,
        "family_name": person.family_name,
        "otherIds": [{"identifiant": national_id, "origine": "RPPS", "qualite": 1}],
        "SubjectRole": [f"{profession}^{ROLE_SYSTEM}"] if profession else [],
        "Secteur_Activite": "",
        "SubjectOrganization": "",
        "SubjectOrganizationID": "",
        "PSI_Locale": LOCAL_POLICY,
        "Mode_Acces_Raison": "",
        "Acces_Regulation_Medicale": "FAUX",
        "UITVersion": "1.0",
        "Palier_Authentification": "",
        "authMode": "",
        "SubjectRefPro": {
            "codeCivilite": "",
            "exercices": [_exercice(person, profession)] if profession else [],
        },
    }


def _profession_of(person: Person) -> str:
    """Its code in TRE_G15; "" when it is not known, or is of another table."""
    code, _, system = (person.profession or "").partition("^")
    return code if system in {"", PROFESSION_SYSTEM} else ""


def _exercice(person: Person, profession: str) -> dict[str, Any]:
    return {
        "codeProfession": profession,
        "codeCategorieProfessionnelle": "",
        "codeCiviliteDexercice": "",
        "nomDexercice": person.family_name,
        "prenomDexercice": person.given_name,
        "codeTypeSavoirFaire": "",
        "codeSavoirFaire": "",
        "activities": [],
    }
