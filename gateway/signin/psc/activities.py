"""Where and as what a person works, as Pro Santé Connect tells it: values to choose among (§3.3, PSC-R14, PSC-R15, PSC-R16).

They prove an exercise, never a habilitation. Nothing here is required: no reference, no exercice and no activity are normal.
Structures are named by their identifiers; a name is only for reading.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.signin.psc.refusals import PscRefused
from gateway.signin.psc.userinfo import objects, text

_NEW_CODES: Mapping[str, str] = {
    "41": "200", "42": "201", "43": "202", "44": "203", "45": "204", "46": "205", "47": "206", "48": "207",
    "49": "208", "51": "209", "52": "210", "53": "213", "71": "171", "72": "172", "73": "173", "93": "193", "97": "194",
}  # fmt: skip
"""Professions that the registry numbered anew; both codes circulate."""


@dataclass(frozen=True, slots=True)
class Profession:
    """One exercice. `code` is the registry's newest; `family_name` and `given_name` are those of the exercice."""

    code: str
    category: str
    family_name: str
    given_name: str
    civility: str
    know_how_type: str
    know_how: str


@dataclass(frozen=True, slots=True)
class PscActivity:
    """One activity, of the profession `professions[profession]`. Identifiers are "" when the registry has none."""

    profession: int
    mode: str
    sector: str
    role: str
    finess_site: str
    finess_legal: str
    siret: str
    siren: str
    technical_id: str
    structure_id_nat: str
    structure_name: str


def professions_of(claims: Mapping[str, Any]) -> tuple[tuple[Profession, ...], tuple[PscActivity, ...]]:
    """All of them, in their order. Raises PscRefused for a member of another type."""
    reference = claims.get("SubjectRefPro", {})
    if not isinstance(reference, dict):
        raise PscRefused("userinfo: SubjectRefPro")
    professions: list[Profession] = []
    activities: list[PscActivity] = []
    for place, exercice in enumerate(objects(reference, "exercices")):
        professions.append(_profession(exercice))
        activities.extend(_activity(activity, place) for activity in objects(exercice, "activities"))
    return tuple(professions), tuple(activities)


def _profession(exercice: Mapping[str, Any]) -> Profession:
    code = text(exercice, "codeProfession")
    return Profession(
        code=_NEW_CODES.get(code, code),
        category=text(exercice, "codeCategorieProfessionnelle"),
        family_name=text(exercice, "nomDexercice"),
        given_name=text(exercice, "prenomDexercice"),
        civility=text(exercice, "codeCiviliteDexercice"),
        know_how_type=text(exercice, "codeTypeSavoirFaire"),
        know_how=text(exercice, "codeSavoirFaire"),
    )


def _activity(activity: Mapping[str, Any], profession: int) -> PscActivity:
    return PscActivity(
        profession=profession,
        mode=text(activity, "codeModeExercice"),
        sector=text(activity, "codeSecteurDactivite"),
        role=text(activity, "codeRole"),
        finess_site=text(activity, "numeroFinessSite"),
        finess_legal=text(activity, "numeroFinessetablissementJuridique"),
        siret=text(activity, "numeroSiretSite"),
        siren=text(activity, "numeroSirenSite"),
        technical_id=text(activity, "identifiantTechniqueDeLaStructure"),
        structure_id_nat=text(activity, "ancienIdentifiantDeLaStructure"),
        structure_name=text(activity, "raisonSocialeSite"),
    )
