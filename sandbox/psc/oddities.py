"""Where each quirk shows in the ID token and in userinfo; the others show in `tokens`, `realm` and `leaving`."""

from typing import Any

from sandbox.psc.quirks import Quirk


def odd_id_claims(quirk: Quirk | None, claims: dict[str, Any]) -> dict[str, Any]:
    match quirk:
        case Quirk.AUD_LIST:
            return {**claims, "aud": [claims["aud"]]}
        case Quirk.AZP_MISSING:
            return {name: value for name, value in claims.items() if name != "azp"}
        case Quirk.AT_HASH_MISSING:
            return {name: value for name, value in claims.items() if name != "at_hash"}
        case Quirk.USERNAME_MISSING:
            return {name: value for name, value in claims.items() if name != "preferred_username"}
        case Quirk.EXTRA_MEMBERS:
            return {**claims, "membreInconnu": {"valeur": ["x", 1, None]}}
        case _:
            return claims


def odd_userinfo(quirk: Quirk | None, claims: dict[str, Any]) -> dict[str, Any]:
    odd = dict(claims)
    match quirk:
        case Quirk.EXTRA_MEMBERS:
            odd |= {"membreInconnu": [{"x": 1.5}], "codeGenreActivite": "GENR01"}
        case Quirk.OTHER_IDS_IN_CAPITALS if "otherIds" in odd:
            odd["otherIDs"] = odd.pop("otherIds")
        case Quirk.CIVILITE_ON_TOP if "SubjectRefPro" in odd:
            ref_pro = dict(odd["SubjectRefPro"])
            odd |= {"codeCivilite": ref_pro.pop("codeCivilite"), "SubjectRefPro": ref_pro}
        case Quirk.NULLS:
            odd = _nulls_for_nothing(odd)
        case Quirk.REF_PRO_MISSING:
            odd.pop("SubjectRefPro", None)
        case Quirk.OTHER_IDS_MISSING:
            odd.pop("otherIds", None)
        case Quirk.USERNAME_MISSING:
            odd.pop("preferred_username", None)
        case Quirk.NAMES_WITH_MARKUP:
            markup = "<script>alert(1)</script><b>\"'&"
            odd |= {"given_name": markup, "family_name": markup, "SubjectOrganization": markup}
            if "SubjectRefPro" in odd:
                odd["SubjectRefPro"] = _with_markup(odd["SubjectRefPro"], markup)
    return odd


def _nulls_for_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _nulls_for_nothing(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_nulls_for_nothing(inner) for inner in value] or None
    return None if value == "" else value


def _with_markup(value: Any, markup: str) -> Any:
    if isinstance(value, dict):
        named = {"nomDexercice", "prenomDexercice", "raisonSocialeSite"}
        return {name: markup if name in named else _with_markup(inner, markup) for name, inner in value.items()}
    return [_with_markup(inner, markup) for inner in value] if isinstance(value, list) else value
