"""Where each lie becomes false: the honest artefact goes in, the same or a false one comes out.

Only one thing changes at a time, and everything else stays true and rightly signed. Answers that are false as HTTP
(silence, redirects, pages) are in `answers`.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import jwt

from sandbox.psc.keys import RealmKey, RealmKeys, base64url
from sandbox.psc.lies import Lie
from sandbox.psc.personas import Persona

Claims = dict[str, Any]
_FIVE_HOURS = 18_000


def callback_parameters(lie: Lie | None, parameters: dict[str, str], *, issuer: str) -> list[tuple[str, str]]:
    """The query that the browser carries back, a list because a lie may say a parameter twice."""
    honest = list(parameters.items())
    another = "x" * 43
    match lie:
        case Lie.STATE_CHANGED:
            return list({**parameters, "state": another}.items())
        case Lie.STATE_MISSING:
            return _without(honest, "state")
        case Lie.STATE_TWICE:
            return [*honest, ("state", another)]
        case Lie.ISS_PARAMETER_WRONG:
            return list({**parameters, "iss": f"{issuer}-bis"}.items())
        case Lie.ISS_PARAMETER_MISSING:
            return _without(honest, "iss")
        case Lie.CODE_MISSING:
            return _without(honest, "code")
        case Lie.CODE_TWICE:
            return [*honest, ("code", another)]
        case Lie.CODE_AND_ERROR:
            return [*honest, ("error", "access_denied")]
        case _:
            return honest


def _without(pairs: list[tuple[str, str]], name: str) -> list[tuple[str, str]]:
    return [pair for pair in pairs if pair[0] != name]


# Each takes the honest claims, the present time, and somebody else; gives the claims that change. None removes one.
_CLAIMS: dict[Lie, Callable[[Claims, int, Persona], Claims]] = {
    Lie.ISS_WRONG: lambda claims, now, other: {"iss": f"{claims['iss']}-bis"},
    Lie.ISS_TRAILING_SLASH: lambda claims, now, other: {"iss": f"{claims['iss']}/"},
    Lie.ISS_MISSING: lambda claims, now, other: {"iss": None},
    Lie.AUD_WRONG: lambda claims, now, other: {"aud": "another-client"},
    Lie.AUD_MISSING: lambda claims, now, other: {"aud": None},
    Lie.AUD_WITH_STRANGER: lambda claims, now, other: {"aud": [claims["aud"], "another-client"]},
    Lie.AZP_WRONG: lambda claims, now, other: {"azp": "another-client"},
    Lie.NONCE_WRONG: lambda claims, now, other: {"nonce": "n" * 43},
    Lie.NONCE_MISSING: lambda claims, now, other: {"nonce": None},
    Lie.NONCE_EMPTY: lambda claims, now, other: {"nonce": ""},
    Lie.EXPIRED: lambda claims, now, other: {"iat": now - 165, "exp": now - 45},
    Lie.EXP_MISSING: lambda claims, now, other: {"exp": None},
    Lie.EXP_NOT_A_NUMBER: lambda claims, now, other: {"exp": str(claims["exp"])},
    Lie.IAT_FUTURE: lambda claims, now, other: {"iat": now + 60, "exp": now + 180},
    Lie.IAT_MISSING: lambda claims, now, other: {"iat": None},
    Lie.NBF_FUTURE: lambda claims, now, other: {"nbf": now + 60},
    Lie.TYP_WRONG: lambda claims, now, other: {"typ": "Bearer"},
    Lie.ACR_MISSING: lambda claims, now, other: {"acr": None},
    Lie.ACR_ZERO: lambda claims, now, other: {"acr": "0"},
    Lie.ACR_UNKNOWN: lambda claims, now, other: {"acr": "eidas9"},
    Lie.ACR_NOT_TEXT: lambda claims, now, other: {"acr": ["eidas3"]},
    Lie.AT_HASH_WRONG: lambda claims, now, other: {"at_hash": base64url(hashlib.sha256(b"another").digest()[:16])},
    Lie.AUTH_TIME_OLD: lambda claims, now, other: {"auth_time": now - _FIVE_HOURS},
    Lie.AUTH_TIME_FUTURE: lambda claims, now, other: {"auth_time": now + 600},
    Lie.AUTH_TIME_MISSING: lambda claims, now, other: {"auth_time": None},
    Lie.SUB_MISSING: lambda claims, now, other: {"sub": None},
    Lie.SUB_EMPTY: lambda claims, now, other: {"sub": ""},
    Lie.USERNAME_OF_ANOTHER: lambda claims, now, other: {"preferred_username": other.national_id},
}


def id_token_claims(lie: Lie | None, claims: Claims, *, now: int, other: Persona) -> Claims:
    changes = _CLAIMS[lie](claims, now, other) if lie in _CLAIMS else {}
    return {name: value for name, value in (claims | changes).items() if value is not None}


def sign_id_token(  # noqa: PLR0912 -- one case per lie
    lie: Lie | None, claims: Claims, *, keys: RealmKeys, client_secret: Callable[[], str], issuer: str
) -> str:
    key = keys.signing
    honest: Callable[..., str] = lambda **header: _rs256(claims, key, kid=key.kid, **header)  # noqa: E731
    match lie:
        case Lie.SIGNATURE_BAD:
            head, payload, signature = honest().split(".")
            raw = bytearray(base64.urlsafe_b64decode(signature + "=="))
            raw[len(raw) // 2] ^= 1
            return f"{head}.{payload}.{base64url(bytes(raw))}"
        case Lie.SIGNATURE_EMPTY:
            return honest().rpartition(".")[0] + "."
        case Lie.PAYLOAD_CHANGED:
            head, _, signature = honest().split(".")
            return f"{head}.{_encoded({**claims, 'acr': 'eidas3', 'jti': 'changed'})}.{signature}"
        case Lie.SIGNED_BY_STRANGER:
            return _rs256(claims, keys.stranger, kid=key.kid)
        case Lie.ALG_NONE:
            return f"{_encoded({'alg': 'none', 'typ': 'JWT', 'kid': key.kid})}.{_encoded(claims)}."
        case Lie.ALG_NONE_MIXED_CASE:
            return f"{_encoded({'alg': 'nOnE', 'typ': 'JWT', 'kid': key.kid})}.{_encoded(claims)}."
        case Lie.ALG_HS256_PUBLIC_KEY:
            return _hs256(claims, key.public_pem(), key.kid)
        case Lie.ALG_HS256_CLIENT_SECRET:
            return _hs256(claims, client_secret().encode(), key.kid)
        case Lie.ALG_NOT_ALLOWED:
            return jwt.encode(claims, key.private, "RS512", headers={"kid": key.kid})
        case Lie.KID_UNKNOWN:
            return _rs256(claims, key, kid=keys.stranger.kid)
        case Lie.KID_MISSING:
            return _rs256(claims, key)
        case Lie.KEY_FOR_ENCRYPTION:
            return _rs256(claims, keys.encryption, kid=keys.encryption.kid)
        case Lie.KEY_IN_HEADER:
            return _rs256(claims, keys.stranger, kid=keys.stranger.kid, jwk=keys.stranger.as_jwk())
        case Lie.KEY_BY_URL:
            return _rs256(claims, keys.stranger, kid=keys.stranger.kid, jku=f"{issuer}/stranger-certs")
        case Lie.CRIT_UNKNOWN:
            return honest(crit=["urn:unknown"], **{"urn:unknown": True})
        case _:
            return honest()


def _rs256(claims: Claims, key: RealmKey, **header: Any) -> str:
    signed = f"{_encoded({'alg': 'RS256', 'typ': 'JWT', **header})}.{_encoded(claims)}"
    signature = jwt.get_algorithm_by_name("RS256").sign(signed.encode("ascii"), key.private)
    return f"{signed}.{base64url(signature)}"


def _hs256(claims: Claims, secret: bytes, kid: str) -> str:
    # By hand: the library refuses, rightly, to use a public key as a secret.
    signed = f"{_encoded({'alg': 'HS256', 'typ': 'JWT', 'kid': kid})}.{_encoded(claims)}"
    return f"{signed}.{base64url(hmac.new(secret, signed.encode('ascii'), hashlib.sha256).digest())}"


def _encoded(part: Claims) -> str:
    return base64url(json.dumps(part, separators=(",", ":")).encode())


def token_answer(lie: Lie | None, answer: Claims) -> Claims:
    match lie:
        case Lie.TOKEN_TYPE_WRONG:
            return {**answer, "token_type": "mac"}
        case Lie.TOKEN_TYPE_MISSING:
            return {name: value for name, value in answer.items() if name != "token_type"}
        case Lie.ID_TOKEN_MISSING:
            return {name: value for name, value in answer.items() if name != "id_token"}
        case Lie.ID_TOKEN_NOT_TEXT:
            return {**answer, "id_token": [answer["id_token"]]}
        case Lie.ACCESS_TOKEN_MISSING:
            return {name: value for name, value in answer.items() if name != "access_token"}
        case Lie.ACCESS_TOKEN_AS_ID_TOKEN:
            return {**answer, "id_token": answer["access_token"]}
        case _:
            return answer


def userinfo_claims(lie: Lie | None, claims: Claims, *, others: Claims) -> Claims:  # noqa: PLR0912 -- one case per lie
    """`others` is the honest userinfo of somebody else."""
    ids = claims.get("otherIds", [])
    ref_pro = claims.get("SubjectRefPro", {"codeCivilite": "", "exercices": []})
    changes: Claims = {}
    match lie:
        case Lie.USERINFO_OF_ANOTHER:
            return others
        case Lie.USERINFO_SUB_OF_ANOTHER:
            changes = {"sub": others["sub"]}
        case Lie.USERINFO_SUB_MISSING:
            changes = {"sub": None}
        case Lie.SUB_EMPTY:
            changes = {"sub": ""}
        case Lie.SUBJECT_NAME_ID_MISSING:
            changes = {"SubjectNameID": None}
        case Lie.SUBJECT_NAME_ID_EMPTY:
            changes = {"SubjectNameID": "", "preferred_username": ""}
        case Lie.SUBJECT_NAME_ID_NUMBER:
            changes = {"SubjectNameID": 899900000011}
        case Lie.SUBJECT_NAME_ID_OF_ANOTHER:
            changes = {"SubjectNameID": others["SubjectNameID"]}
        case Lie.SUBJECT_NAME_ID_SHAPELESS:
            changes = dict.fromkeys(("SubjectNameID", "preferred_username"), "899900000011' OR ''='")
        case Lie.RPPS_OF_ANOTHER:
            changes = {"otherIds": others["otherIds"]}
        case Lie.RPPS_OF_ANOTHER_ADDED:
            changes = {"otherIds": [*ids, *others["otherIds"]]}
        case Lie.OTHER_IDS_NOT_A_LIST:
            changes = {"otherIds": json.dumps(ids)}
        case Lie.REF_PRO_NOT_AN_OBJECT:
            changes = {"SubjectRefPro": json.dumps(ref_pro)}
        case Lie.ACTIVITIES_NOT_A_LIST:
            exercice = {"codeProfession": "60", "activities": {"codeModeExercice": "S"}}
            changes = {"SubjectRefPro": {**ref_pro, "exercices": [exercice]}}
        case _:
            return claims
    return {name: value for name, value in (claims | changes).items() if value is not None}


def userinfo_text(lie: Lie | None, claims: Claims, *, others: Claims) -> str | None:
    """Userinfo whose very text is the lie; None when it is plain JSON of the claims."""
    match lie:
        case Lie.SUBJECT_NAME_ID_TWICE:
            again = json.dumps({"SubjectNameID": others["SubjectNameID"]})
            return f"{json.dumps(claims)[:-1]}, {again[1:]}"
        case Lie.USERINFO_NESTED:
            return f'{json.dumps(claims)[:-1]}, "deep": {"[" * 100_000}{"]" * 100_000}}}'
        case Lie.USERINFO_JWT_UNSIGNED:
            return f"{_encoded({'alg': 'none'})}.{_encoded(claims)}."
        case _:
            return None
