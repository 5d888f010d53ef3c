"""The lies that this Pro Santé Connect can be told to tell, one at a time: each attacks one rule of a relying party.

None of them may ever end in a session. Their counterpart, the oddities that an honest provider may show and that a
relying party must bear, are in `quirks`. Dossier §9 (fault switches) and §2.3 (the checks).
"""

from enum import StrEnum


class Lie(StrEnum):
    """The value is the name used by `POST /api/psc/lie`; `Lie.X.__doc__` says what becomes false."""

    def __new__(cls, name: str, meaning: str = "") -> "Lie":
        member = str.__new__(cls, name)
        member._value_ = name
        member.__doc__ = meaning
        return member

    @property
    def is_seen_with_a_cold_cache_only(self) -> bool:
        """A relying party that already holds the key set or the metadata never meets this lie."""
        return self.startswith(("jwks_", "discovery_"))

    # The answer that the browser carries back
    STATE_CHANGED = "state_changed", "The callback brings another `state` than the one sent."
    STATE_MISSING = "state_missing", "The callback brings no `state`."
    STATE_TWICE = "state_twice", "The callback brings the right `state` and a second one."
    ISS_PARAMETER_WRONG = "iss_parameter_wrong", "The callback's `iss` names another issuer (RFC 9207: mix-up)."
    ISS_PARAMETER_MISSING = "iss_parameter_missing", "Discovery announces the `iss` parameter; the callback has none."
    CODE_MISSING = "code_missing", "The callback has neither `code` nor `error`."
    CODE_TWICE = "code_twice", "The callback brings two `code` values."
    CODE_AND_ERROR = "code_and_error", "The callback brings a `code` and an `error` together."

    # How the person was authenticated
    PROMPT_LOGIN_IGNORED = "prompt_login_ignored", "`prompt=login` and `max_age` are ignored when a session exists."

    # The token answer
    TOKEN_TYPE_WRONG = "token_type_wrong", "`token_type` is `mac`."
    TOKEN_TYPE_MISSING = "token_type_missing", "The token answer has no `token_type`."
    ID_TOKEN_MISSING = "id_token_missing", "The token answer has no `id_token`."
    ID_TOKEN_NOT_TEXT = "id_token_not_text", "`id_token` is a list holding the token."
    ACCESS_TOKEN_MISSING = "access_token_missing", "The token answer has no `access_token`."
    ACCESS_TOKEN_AS_ID_TOKEN = "access_token_as_id_token", "`id_token` holds the access token: well signed, no `aud`."
    TOKEN_HTML = "token_html", "The token endpoint answers 200 with a page."
    TOKEN_LIST = "token_list", "The token endpoint answers a JSON list."
    TOKEN_400_WITH_TOKENS = "token_400_with_tokens", "The token endpoint answers 400 with a full set of tokens."
    TOKEN_500 = "token_500", "The token endpoint answers 500."
    TOKEN_REDIRECTED = "token_redirected", "The token endpoint answers 307 to an address that would give tokens."
    TOKEN_HUGE = "token_huge", "The token answer is valid JSON of 16 MiB."
    TOKEN_SLOW = "token_slow", "The token endpoint keeps silent for 30 s."
    TOKEN_DRIPPED = (
        "token_dripped",
        "The token answer comes byte by byte for 30 s: every read is quick, the whole is not.",
    )

    # The ID token's signature
    SIGNATURE_BAD = "signature_bad", "One bit of the signature is changed."
    SIGNATURE_EMPTY = "signature_empty", "The header says RS256 and there is no signature."
    PAYLOAD_CHANGED = "payload_changed", "The payload was changed after it was signed."
    SIGNED_BY_STRANGER = "signed_by_stranger", "Another RSA key signs under the published `kid`."
    ALG_NONE = "alg_none", "`alg: none`, no signature."
    ALG_NONE_MIXED_CASE = "alg_none_mixed_case", "`alg: nOnE`, no signature."
    ALG_HS256_PUBLIC_KEY = "alg_hs256_public_key", "HS256, the HMAC key being the PEM of the published public key."
    ALG_HS256_CLIENT_SECRET = "alg_hs256_client_secret", "HS256 with the client's own secret."
    ALG_NOT_ALLOWED = "alg_not_allowed", "RS512, rightly signed, although only RS256 (and PS256) are allowed."
    KID_UNKNOWN = "kid_unknown", "The `kid` is published nowhere."
    KID_MISSING = "kid_missing", "The header has no `kid`."
    KEY_FOR_ENCRYPTION = "key_for_encryption", "The published `use: enc` key signs, under its own `kid`."
    KEY_IN_HEADER = "key_in_header", "The header brings its own public key as `jwk`."
    KEY_BY_URL = "key_by_url", "The header names a key set of the liar's as `jku`."
    CRIT_UNKNOWN = "crit_unknown", "The header has a `crit` extension nobody knows (RFC 7515 §4.1.11)."

    # The ID token's claims
    ISS_WRONG = "iss_wrong", "`iss` is another realm."
    ISS_TRAILING_SLASH = "iss_trailing_slash", "`iss` has one slash too many."
    ISS_MISSING = "iss_missing", "No `iss`."
    AUD_WRONG = "aud_wrong", "`aud` is another client; `azp` is still ours."
    AUD_MISSING = "aud_missing", "No `aud`."
    AUD_WITH_STRANGER = "aud_with_stranger", "`aud` lists us and a client that nobody trusts (OIDC Core §3.1.3.7)."
    AZP_WRONG = "azp_wrong", "`azp` is another client."
    NONCE_WRONG = "nonce_wrong", "`nonce` is another's."
    NONCE_MISSING = "nonce_missing", "No `nonce`."
    NONCE_EMPTY = "nonce_empty", "`nonce` is the empty string."
    EXPIRED = "expired", "`exp` passed 45 s ago: more than the 30 s of leeway, less than the 120 s of some libraries."
    EXP_MISSING = "exp_missing", "No `exp`."
    EXP_NOT_A_NUMBER = "exp_not_a_number", "`exp` is text."
    IAT_FUTURE = "iat_future", "`iat` is 60 s ahead."
    IAT_MISSING = "iat_missing", "No `iat`."
    NBF_FUTURE = "nbf_future", "`nbf` is 60 s ahead."
    TYP_WRONG = "typ_wrong", "The claim `typ` is `Bearer`, not `ID`."
    ACR_MISSING = "acr_missing", "No `acr`."
    ACR_ZERO = "acr_zero", "`acr` is `0`."
    ACR_UNKNOWN = "acr_unknown", "`acr` is `eidas9`, a level that does not exist."
    ACR_NOT_TEXT = "acr_not_text", '`acr` is the list ["eidas3"].'
    AT_HASH_WRONG = "at_hash_wrong", "`at_hash` is of another access token."
    AUTH_TIME_OLD = "auth_time_old", "`auth_time` is five hours ago: beyond any session of Pro Santé Connect."
    AUTH_TIME_FUTURE = "auth_time_future", "`auth_time` is ten minutes ahead: a session that would last longer."
    AUTH_TIME_MISSING = "auth_time_missing", "No `auth_time`, although `prompt=login` or `max_age` was sent."
    SUB_MISSING = "sub_missing", "No `sub` in the ID token."
    SUB_EMPTY = "sub_empty", "`sub` is the empty string, in the ID token and in userinfo."
    USERNAME_OF_ANOTHER = "username_of_another", "The ID token's `preferred_username` is another person's."

    # Userinfo
    USERINFO_SUB_OF_ANOTHER = "userinfo_sub_of_another", "Userinfo's `sub` is another person's."
    USERINFO_OF_ANOTHER = "userinfo_of_another", "Userinfo is wholly about another person, `sub` included."
    USERINFO_SUB_MISSING = "userinfo_sub_missing", "Userinfo has no `sub`."
    SUBJECT_NAME_ID_MISSING = "subject_name_id_missing", "Userinfo has no `SubjectNameID`."
    SUBJECT_NAME_ID_EMPTY = "subject_name_id_empty", "`SubjectNameID` is the empty string."
    SUBJECT_NAME_ID_NUMBER = "subject_name_id_number", "`SubjectNameID` is a JSON number."
    SUBJECT_NAME_ID_OF_ANOTHER = (
        "subject_name_id_of_another",
        "`SubjectNameID` is another's; the rest of userinfo is right.",
    )
    SUBJECT_NAME_ID_TWICE = (
        "subject_name_id_twice",
        "The JSON has `SubjectNameID` twice: the right one, then another's.",
    )
    SUBJECT_NAME_ID_SHAPELESS = "subject_name_id_shapeless", "`SubjectNameID` has a form that no identifier has."
    RPPS_OF_ANOTHER = "rpps_of_another", "`otherIds` says another person's RPPS, with quality 1."
    RPPS_OF_ANOTHER_ADDED = "rpps_of_another_added", "`otherIds` has the right RPPS and a second one."
    OTHER_IDS_NOT_A_LIST = "other_ids_not_a_list", "`otherIds` is text."
    REF_PRO_NOT_AN_OBJECT = "ref_pro_not_an_object", "`SubjectRefPro` is text."
    ACTIVITIES_NOT_A_LIST = "activities_not_a_list", "`activities` is an object."
    USERINFO_LIST = "userinfo_list", "Userinfo is a JSON list."
    USERINFO_HTML = "userinfo_html", "Userinfo is a page."
    USERINFO_JWT_UNSIGNED = "userinfo_jwt_unsigned", "Userinfo is `application/jwt` with `alg: none`."
    USERINFO_NESTED = "userinfo_nested", "Userinfo nests 100 000 lists: a parser that recurses falls."
    USERINFO_401 = "userinfo_401", "Userinfo answers 401 to a good token."
    USERINFO_500 = "userinfo_500", "Userinfo answers 500."
    USERINFO_REDIRECTED = "userinfo_redirected", "Userinfo answers 302 to an address that would give claims."
    USERINFO_HUGE = "userinfo_huge", "Userinfo is valid JSON of 16 MiB."
    USERINFO_SLOW = "userinfo_slow", "Userinfo keeps silent for 30 s."
    USERINFO_DRIPPED = "userinfo_dripped", "Userinfo comes byte by byte for 30 s."

    # Keys and discovery
    JWKS_500 = "jwks_500", "The key set answers 500."
    JWKS_HTML = "jwks_html", "The key set is a page."
    JWKS_EMPTY = "jwks_empty", "The key set has no key."
    JWKS_OTHER_KEYS = "jwks_other_keys", "The key set gives, under the same `kid`, keys that did not sign."
    JWKS_REDIRECTED = "jwks_redirected", "The key set answers 302 to an address that would give it."
    JWKS_HUGE = "jwks_huge", "The key set is valid JSON of 16 MiB."
    JWKS_SLOW = "jwks_slow", "The key set keeps silent for 30 s."
    DISCOVERY_ISSUER_WRONG = "discovery_issuer_wrong", "The discovery document's `issuer` is another."
    DISCOVERY_ENDPOINT_ELSEWHERE = (
        "discovery_endpoint_elsewhere",
        "The token endpoint announced is on the wallet's origin, where no back channel belongs.",
    )
    DISCOVERY_KEYS_ELSEWHERE = (
        "discovery_keys_elsewhere",
        "The key set announced is on the wallet's origin, where no back channel belongs.",
    )
    DISCOVERY_500 = "discovery_500", "Discovery answers 500."
    DISCOVERY_HTML = "discovery_html", "Discovery is a page."
    DISCOVERY_REDIRECTED = "discovery_redirected", "Discovery answers 302 to an address that would give it."
    DISCOVERY_HUGE = "discovery_huge", "Discovery is valid JSON of 16 MiB."
    DISCOVERY_SLOW = "discovery_slow", "Discovery keeps silent for 30 s."

    # Leaving
    LOGOUT_STATE_CHANGED = "logout_state_changed", "After logout, the browser comes back with another `state`."
