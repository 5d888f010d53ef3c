"""Userinfo of Pro Santé Connect, member by member as in dossier §3.3: every leaf is text, the empty string when unknown.

`qualite` alone is an integer; yes and no are the words VRAI and FAUX. Sector and organization speak of the first
activity only, as in the samples seen.
"""

from typing import Any

from sandbox.psc.personas import Persona

_PROFESSIONS = "1.2.250.1.213.1.1.5.5"
_SECTORS = "1.2.250.1.71.4.2.4"
_STRENGTHS = "1.2.250.1.213.1.5.1.1.1"
_EXERCICE = (
    "codeProfession",
    "codeCategorieProfessionnelle",
    "codeCiviliteDexercice",
    "nomDexercice",
    "prenomDexercice",
    "codeTypeSavoirFaire",
    "codeSavoirFaire",
)
_ACTIVITY = (
    "codeModeExercice",
    "codeSecteurDactivite",
    "codeSectionPharmacien",
    "codeRole",
    "codeGenreActivite",
    "numeroSiretSite",
    "numeroSirenSite",
    "numeroFinessSite",
    "numeroFinessetablissementJuridique",
    "identifiantTechniqueDeLaStructure",
    "raisonSocialeSite",
    "enseigneCommercialeSite",
    "complementDestinataire",
    "complementPointGeographique",
    "numeroVoie",
    "indiceRepetitionVoie",
    "codeTypeDeVoie",
    "libelleVoie",
    "mentionDistribution",
    "bureauCedex",
    "codePostal",
    "codeCommune",
    "codePays",
    "telephone",
    "telephone2",
    "telecopie",
    "adresseEMail",
    "codeDepartement",
    "ancienIdentifiantDeLaStructure",
    "autoriteDenregistrement",
)


def userinfo_claims(person: Persona, *, subject: str, auth_mode: str, scope_all: bool) -> dict[str, Any]:
    """`scope_all` false: only what `openid` alone gives (dossier S3)."""
    claims: dict[str, Any] = {"sub": subject}
    if not scope_all:
        return claims
    exercices = [_exercice(exercice) for exercice in person.exercices or []]
    first = next(
        (activity for exercice in exercices for activity in exercice["activities"]), dict.fromkeys(_ACTIVITY, "")
    )
    professions = [exercice["codeProfession"] for exercice in exercices if exercice["codeProfession"]]
    sector = first["codeSecteurDactivite"]
    claims |= {
        "SubjectNameID": person.national_id,
        "preferred_username": person.national_id,
        "given_name": person.given_name,
        "family_name": person.family_name,
        "otherIds": [dict(other) for other in person.other_ids],
        "SubjectRole": [f"{profession}^{_PROFESSIONS}" for profession in dict.fromkeys(professions)],
        "Secteur_Activite": f"{sector}^{_SECTORS}" if sector else "",
        "SubjectOrganization": first["raisonSocialeSite"],
        "SubjectOrganizationID": first["identifiantTechniqueDeLaStructure"],
        "PSI_Locale": "1.2.250.1.213.1.3.1.1",
        "Mode_Acces_Raison": "",
        "Acces_Regulation_Medicale": "FAUX",
        "UITVersion": "1.0",
        "Palier_Authentification": f"APPPRIP3^{_STRENGTHS}",
        "authMode": auth_mode,
    }
    if person.exercices is not None:
        claims["SubjectRefPro"] = {"codeCivilite": person.civility, "exercices": exercices}
    return claims


def _exercice(known: dict[str, Any]) -> dict[str, Any]:
    activities = [
        {member: str(activity.get(member, "")) for member in _ACTIVITY} for activity in known.get("activities", [])
    ]
    return {**{member: str(known.get(member, "")) for member in _EXERCICE}, "activities": activities}
