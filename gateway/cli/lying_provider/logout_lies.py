"""The lies of a back-channel logout, one row each (Back-Channel Logout 1.0 §2.4, §2.6): an application that ends the session
on such a token lets anybody, or a stolen token, sign people out."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.cli.lying_provider.lies import HOUR, Check, Fields
from gateway.cli.lying_provider.scene import ELSEWHERE, SOMEBODY_ELSE, Scene, segment

EVENT = "http://schemas.openid.net/event/backchannel-logout"
TYP = "logout+jwt"

HONOURED = Check(
    "logout",
    "déconnexion : un jeton de déconnexion juste ne ferme pas la session de l'application.",
    "logout: a right logout token does not end the application's session.",
    "Back-Channel Logout §2.7",
)
REPLAYED = Check(
    "logout-replayed",
    "jti : un jeton de déconnexion dont le jti a déjà servi ferme une session.",
    "jti: a logout token whose jti was used before ends a session.",
    "Back-Channel Logout §2.6 (8)",
    must=False,
)


@dataclass(frozen=True, slots=True)
class LogoutLie:
    check: Check
    token: Callable[[Fields, Scene], str]


def _without(name: str) -> Callable[[Fields, Scene], str]:
    return lambda claims, scene: scene.honest({key: claims[key] for key in claims if key != name}, typ=TYP)


def _with(**changes: object) -> Callable[[Fields, Scene], str]:
    return lambda claims, scene: scene.honest({**claims, **changes}, typ=TYP)


def _by_other_key(claims: Fields, scene: Scene) -> str:
    return scene.other_key.sign({"kid": scene.key.kid, "typ": TYP}, claims)


def _unsigned(claims: Fields, _: Scene) -> str:
    return f"{segment({'alg': 'none', 'typ': TYP})}.{segment(claims)}."


def _expired(claims: Fields, scene: Scene) -> str:
    return scene.honest({**claims, "iat": claims["iat"] - 2 * HOUR, "exp": claims["iat"] - HOUR}, typ=TYP)


def _check(code: str, fr: str, en: str, step: int) -> Check:
    rule = f"Back-Channel Logout §2.6 ({step})"
    return Check(f"logout-{code}", f"déconnexion : {fr}", f"logout: {en}", rule)


LOGOUT_LIES: tuple[LogoutLie, ...] = (
    LogoutLie(
        _check("signature", "le jeton est signé par une autre clé.", "the token is signed by another key.", 2),
        _by_other_key,
    ),
    LogoutLie(
        _check("alg-none", "le jeton n'est pas signé du tout (alg: none).", "the token is not signed (alg: none).", 2),
        _unsigned,
    ),
    LogoutLie(
        _check("issuer", "le jeton vient d'un autre émetteur.", "the token comes from another issuer.", 3),
        _with(iss=ELSEWHERE),
    ),
    LogoutLie(
        _check("audience", "le jeton est destiné à une autre application.", "the token is for another application.", 3),
        _with(aud=SOMEBODY_ELSE),
    ),
    LogoutLie(
        _check("expired", "le jeton a expiré depuis une heure.", "the token expired an hour ago.", 3),
        _expired,
    ),
    LogoutLie(
        _check("events", "le jeton ne dit aucun événement de déconnexion.", "the token says no logout event.", 5),
        _without("events"),
    ),
    LogoutLie(
        _check(
            "nonce", "le jeton porte un nonce, comme un jeton d'identité.", "it has a nonce, as an ID token has.", 6
        ),
        _with(nonce="as-in-an-id-token"),
    ),
)
