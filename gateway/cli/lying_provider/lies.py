"""The lies of a sign-in, one row each: what is changed in the honest answers, which check an application that believes it
lacks, and where that check is written.

`must` false: the rule only recommends the check; it is told, and does not fail without `--strict`.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gateway.cli.lying_provider.scene import ELSEWHERE, SOMEBODY_ELSE, Scene, segment
from gateway.randomness import base64url

Fields = dict[str, Any]
HOUR = 3600


class Stage(StrEnum):
    """Until where the application must come to hear the lie."""

    ANSWER = "answer"
    TOKEN = "token"
    USERINFO = "userinfo"


@dataclass(frozen=True, slots=True)
class Check:
    """`fr`, `en`: what the application does not do, to a developer."""

    code: str
    fr: str
    en: str
    rule: str
    must: bool = True


def _as_it_is(fields: Fields, _: Scene) -> Fields:
    return fields


def _sealed(claims: Fields, scene: Scene) -> str:
    return scene.honest(claims)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lie:
    """`answer` changes the authorization response, `claims` those of the ID token, `seal` signs it, `tokens` changes the
    token response, `userinfo` the claims there. `says`: a request without this parameter cannot be lied to."""

    check: Check
    stage: Stage = Stage.TOKEN
    answer: Callable[[Fields, Scene], Fields] = _as_it_is
    claims: Callable[[Fields, Scene], Fields] = _as_it_is
    seal: Callable[[Fields, Scene], str] = _sealed
    tokens: Callable[[Fields, Scene], Fields] = _as_it_is
    userinfo: Callable[[Fields, Scene], Fields] = _as_it_is


def _saying(**changes: Any) -> Callable[[Fields, Scene], Fields]:
    """These members with these values; None takes one out."""
    gone = {name for name, value in changes.items() if value is None}
    return lambda fields, _: {name: value for name, value in {**fields, **changes}.items() if name not in gone}


def _unsigned(claims: Fields, _: Scene) -> str:
    return f"{segment({'alg': 'none', 'typ': 'JWT'})}.{segment(claims)}."


def _by_public_key(claims: Fields, scene: Scene) -> str:
    """HMAC under what everybody can read (RFC 8725 §2.1)."""
    signed = f"{segment({'alg': 'HS256', 'kid': scene.key.kid, 'typ': 'JWT'})}.{segment(claims)}"
    return f"{signed}.{base64url(hmac.digest(scene.key.public_pem, signed.encode(), hashlib.sha256))}"


def _by_other_key(claims: Fields, scene: Scene) -> str:
    return scene.other_key.sign({"kid": scene.key.kid, "typ": "JWT"}, claims)


def _by_unknown_key(claims: Fields, scene: Scene) -> str:
    return scene.other_key.sign({"kid": "nobody-published-this-key", "typ": "JWT"}, claims)


def _by_key_inside(claims: Fields, scene: Scene) -> str:
    jwk = {**scene.other_key.public_jwk, "kid": "in-the-header"}
    return scene.other_key.sign({"kid": "in-the-header", "typ": "JWT", "jwk": jwk}, claims)


def _ago(claims: Fields, _: Scene) -> Fields:
    return {**claims, "iat": claims["iat"] - 2 * HOUR, "exp": claims["iat"] - HOUR}


def _ahead(claims: Fields, _: Scene) -> Fields:
    return {**claims, "iat": claims["iat"] + HOUR, "exp": claims["exp"] + 2 * HOUR}


def _for_two(claims: Fields, scene: Scene) -> Fields:
    return {**claims, "aud": [scene.client_id, SOMEBODY_ELSE], "azp": SOMEBODY_ELSE}


LIES: tuple[Lie, ...] = (
    Lie(
        check=Check(
            "state",
            "state : la réponse d'autorisation porte un autre state que celui envoyé, et la connexion est acceptée.",
            "state: the authorization response carries another state than the one sent, and the login is accepted.",
            "RFC 6749 §10.12",
        ),
        stage=Stage.ANSWER,
        answer=_saying(state="a-state-that-nobody-sent"),
    ),
    Lie(
        check=Check(
            "state-missing",
            "state : la réponse d'autorisation n'en porte aucun, et la connexion est acceptée.",
            "state: the authorization response carries none, and the login is accepted.",
            "RFC 6749 §10.12",
        ),
        stage=Stage.ANSWER,
        answer=_saying(state=None),
    ),
    Lie(
        check=Check(
            "response-issuer",
            "iss de la réponse : elle se dit d'un autre fournisseur (mix-up), et le code est échangé quand même.",
            "response iss: it says to come from another provider (mix-up), and the code is redeemed all the same.",
            "RFC 9207 §2.4",
        ),
        stage=Stage.ANSWER,
        answer=_saying(iss=ELSEWHERE),
    ),
    Lie(
        check=Check(
            "response-issuer-missing",
            "iss de la réponse : les métadonnées le promettent, il manque, et la réponse est acceptée.",
            "response iss: the metadata promise it, it is missing, and the response is accepted.",
            "RFC 9207 §2.4",
            must=False,
        ),
        stage=Stage.ANSWER,
        answer=_saying(iss=None),
    ),
    Lie(
        check=Check(
            "nonce",
            "nonce : le jeton d'identité porte un autre nonce que celui de la demande.",
            "nonce: the ID token carries another nonce than the request's.",
            "OpenID Connect Core §3.1.3.7 (11)",
        ),
        claims=_saying(nonce="a-nonce-that-nobody-sent"),
    ),
    Lie(
        check=Check(
            "nonce-missing",
            "nonce : la demande en portait un, le jeton d'identité n'en a pas.",
            "nonce: the request had one, the ID token has none.",
            "OpenID Connect Core §3.1.3.7 (11)",
        ),
        claims=_saying(nonce=None),
    ),
    Lie(
        check=Check(
            "issuer",
            "iss : le jeton d'identité vient d'un autre émetteur.",
            "iss: the ID token comes from another issuer.",
            "OpenID Connect Core §3.1.3.7 (2)",
        ),
        claims=_saying(iss=ELSEWHERE),
    ),
    Lie(
        check=Check(
            "audience",
            "aud : le jeton d'identité est destiné à une autre application.",
            "aud: the ID token is meant for another application.",
            "OpenID Connect Core §3.1.3.7 (3)",
        ),
        claims=_saying(aud=SOMEBODY_ELSE),
    ),
    Lie(
        check=Check(
            "azp",
            "azp : le jeton a deux destinataires et a été demandé par l'autre.",
            "azp: the token has two audiences and was asked for by the other one.",
            "OpenID Connect Core §3.1.3.7 (4, 5)",
            must=False,
        ),
        claims=_for_two,
    ),
    Lie(
        check=Check(
            "expiry",
            "exp : le jeton d'identité a expiré depuis une heure.",
            "exp: the ID token expired an hour ago.",
            "OpenID Connect Core §3.1.3.7 (9)",
        ),
        claims=_ago,
    ),
    Lie(
        check=Check(
            "issued-in-future",
            "iat : le jeton d'identité sera émis dans une heure.",
            "iat: the ID token will be issued in an hour.",
            "OpenID Connect Core §3.1.3.7 (10)",
            must=False,
        ),
        claims=_ahead,
    ),
    Lie(
        check=Check(
            "signature",
            "signature : le jeton est signé par une autre clé, sous le kid de la bonne.",
            "signature: the token is signed by another key, under the right one's kid.",
            "OpenID Connect Core §3.1.3.7 (6)",
        ),
        seal=_by_other_key,
    ),
    Lie(
        check=Check(
            "alg-none",
            "alg : le jeton n'est pas signé du tout (alg: none).",
            "alg: the token is not signed at all (alg: none).",
            "RFC 8725 §3.1",
        ),
        seal=_unsigned,
    ),
    Lie(
        check=Check(
            "alg-hs256",
            "alg : le jeton est « signé » en HS256 avec notre clé publique pour secret.",
            "alg: the token is “signed” in HS256 with our public key as the secret.",
            "RFC 8725 §2.1, §3.1",
        ),
        seal=_by_public_key,
    ),
    Lie(
        check=Check(
            "unknown-kid",
            "kid : le jeton nomme une clé que personne n'a publiée.",
            "kid: the token names a key that nobody published.",
            "OpenID Connect Core §10.1",
        ),
        seal=_by_unknown_key,
    ),
    Lie(
        check=Check(
            "key-in-header",
            "jwk : le jeton apporte dans son en-tête la clé qui le vérifie.",
            "jwk: the token brings in its header the key that verifies it.",
            "RFC 8725 §3.10",
        ),
        seal=_by_key_inside,
    ),
    Lie(
        check=Check(
            "missing-id-token",
            "jeton d'identité : la réponse n'en contient pas, et quelqu'un est connecté.",
            "ID token: the response has none, and somebody is signed in.",
            "OpenID Connect Core §3.1.3.3",
        ),
        tokens=_saying(id_token=None),
    ),
    Lie(
        check=Check(
            "userinfo-sub",
            "sub : userinfo parle de quelqu'un d'autre que le jeton d'identité.",
            "sub: userinfo is about somebody else than the ID token.",
            "OpenID Connect Core §5.3.2",
        ),
        stage=Stage.USERINFO,
        userinfo=_saying(sub="somebody-else-0002"),
    ),
    Lie(
        check=Check(
            "at-hash",
            "at_hash : le jeton d'identité accompagne un autre jeton d'accès.",
            "at_hash: the ID token goes with another access token.",
            "OpenID Connect Core §3.1.3.8",
            must=False,
        ),
        claims=_saying(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
    ),
)
