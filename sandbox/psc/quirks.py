"""Oddities that the real service may show and that a relying party must bear: with any of them, sign-in succeeds.

Dossier §2.2, §3 and §5: widths of scope, spellings of the userinfo claims, absences. One at a time, like the lies.
"""

from enum import StrEnum


class Quirk(StrEnum):
    """The value is the name used by `POST /api/psc/quirk`; `Quirk.X.__doc__` says what is odd."""

    def __new__(cls, name: str, meaning: str = "") -> "Quirk":
        member = str.__new__(cls, name)
        member._value_ = name
        member.__doc__ = meaning
        return member

    NO_REFRESH_TOKEN = "no_refresh_token", "The token answer has no refresh token."
    SCOPE_AS_IN_2021 = "scope_as_in_2021", "The granted scope is `openid profile email scope_all`."
    AUD_LIST = "aud_list", "`aud` is a list of one."
    AZP_MISSING = "azp_missing", "No `azp`."
    AT_HASH_MISSING = "at_hash_missing", "No `at_hash`."
    IAT_SLIGHTLY_AHEAD = "iat_slightly_ahead", "The provider's clock is 10 s ahead."
    OLD_AUTH_TIME = "old_auth_time", "`auth_time` is eight minutes before `iat`, as seen in a real token."
    EXTRA_MEMBERS = "extra_members", "Tokens and userinfo hold members that nobody knows."
    OTHER_IDS_IN_CAPITALS = "other_ids_in_capitals", "`otherIds` is spelled `otherIDs`."
    CIVILITE_ON_TOP = "civilite_on_top", "`codeCivilite` is at the top of userinfo, not in `SubjectRefPro`."
    NULLS = "nulls", "What is empty is `null` instead of the empty string."
    REF_PRO_MISSING = "ref_pro_missing", "No `SubjectRefPro`."
    OTHER_IDS_MISSING = "other_ids_missing", "No `otherIds`."
    USERNAME_MISSING = "username_missing", "No `preferred_username`."
    NAMES_WITH_MARKUP = "names_with_markup", "Names and structure names hold HTML: nothing may run when they are shown."
    PROVIDER_UUID_CHANGED = "provider_uuid_changed", "The uuid inside `sub` is another: the person is the same."
    LOGOUT_WITHOUT_STATE = "logout_without_state", "After logout, the browser comes back without `state`."
