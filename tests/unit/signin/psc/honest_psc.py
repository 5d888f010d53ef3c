"""A Pro Santé Connect without network: honest answers for a fictitious person, each part of which a test may change."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from gateway.signin.psc.attempt import Attempt
from gateway.signin.psc.callback import UnverifiedCallback
from gateway.signin.psc.environment import PscEnvironment
from gateway.signin.psc.identity import VerifiedPscAssertion
from gateway.signin.psc.ports import UnverifiedTokens, UnverifiedUserinfo
from gateway.signin.psc.relying_party import PscRelyingParty
from tests.fakes import CountedRandomness, SetClock

AUTH = "https://auth.psc.test"
ISSUER = f"{AUTH}/auth/realms/esante-wallet"
CLIENT_ID = "passerelle-test"
HANDLE = "3thetransaction"
RPPS = "99900000003"
SUBJECT = f"f:2c9e7a34-1d0b-4c55-8f2e-6a7b90d1c3e5:8{RPPS}"
CODE = "code-canary-9f1c"
ACCESS_TOKEN = "access-canary-51c7"

SIGNING = RSAKey.generate_key(2048, {"kid": "signing"})
ENCRYPTION = RSAKey.generate_key(2048, {"kid": "encryption"})
STRANGER = RSAKey.generate_key(2048, {"kid": "signing"})
ELLIPTIC = ECKey.generate_key("P-256", {"kid": "elliptic"})


def environment(**changed: Any) -> PscEnvironment:
    realm = f"{ISSUER}/protocol/openid-connect"
    return PscEnvironment.model_validate(
        {
            "name": "simulator",
            "issuer": ISSUER,
            "authorization_endpoint": "https://wallet.psc.test/auth",
            "token_endpoint": f"{realm}/token",
            "userinfo_endpoint": f"{realm}/userinfo",
            "jwks_uri": f"{realm}/certs",
            "end_session_endpoint": f"{realm}/logout",
            "client_id": CLIENT_ID,
            "redirect_uri": "https://connexion.exemple.fr/signin/psc/callback",
            "post_logout_redirect_uris": ["https://connexion.exemple.fr/signin/psc/logged-out"],
            **changed,
        }
    )


def published(key: RSAKey | ECKey, **members: Any) -> dict[str, Any]:
    return {"use": "sig", "alg": "RS256", **key.as_dict(private=False), **members}


def signed(header: Mapping[str, Any], payload: bytes, key: RSAKey | ECKey) -> str:
    algorithms = ["RS256", "PS256", "ES256", "RS512", "HS256"]
    registry = jws.JWSRegistry(algorithms=algorithms, strict_check_header=False)
    return jws.serialize_compact(dict(header), payload, key, registry=registry)


def half_hash(access_token: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(access_token.encode()).digest()[:16]).rstrip(b"=").decode()


def activity(**members: Any) -> dict[str, Any]:
    return {"codeModeExercice": "S", "codeSecteurDactivite": "SA01", "numeroSiretSite": "", **members}


class HonestPsc:
    """A PscProvider. `claims`, `header` and `about` are what the next answer says; `sign` how the ID token is made."""

    def __init__(self, clock: SetClock) -> None:
        self.clock = clock
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {"alg": "RS256", "typ": "JWT", "kid": "signing"}
        self.key: RSAKey | ECKey = SIGNING
        self.sign: Callable[[dict[str, Any], dict[str, Any]], str] | None = None
        self.key_set: bytes | Exception = json.dumps(
            {"keys": [published(SIGNING), {**published(ENCRYPTION), "use": "enc"}, published(ELLIPTIC, alg="ES256")]}
        ).encode()
        self.about: dict[str, Any] = {
            "sub": SUBJECT,
            "SubjectNameID": f"8{RPPS}",
            "preferred_username": f"8{RPPS}",
            "given_name": "MAËLLE",
            "family_name": "KERVALEN",
            "otherIds": [{"identifiant": f"8{RPPS}", "origine": "RPPS", "qualite": 1}],
            "SubjectRole": ["10^1.2.250.1.213.1.1.5.5"],
            "SubjectOrganization": "CABINET DR KERVALEN",
            "SubjectRefPro": {
                "codeCivilite": "MME",
                "exercices": [
                    {
                        "codeProfession": "10",
                        "codeCategorieProfessionnelle": "C",
                        "nomDexercice": "KERVALEN-PORS",
                        "prenomDexercice": "MAËLLE",
                        "codeSavoirFaire": "SM26",
                        "activities": [
                            activity(codeModeExercice="L", identifiantTechniqueDeLaStructure="R204417"),
                            activity(numeroFinessSite="990000010", raisonSocialeSite="HÔPITAL D ESSAI"),
                        ],
                    }
                ],
            },
        }
        self.userinfo_type = "application/json;charset=UTF-8"
        self.userinfo_body: bytes | None = None
        self.calls: list[str] = []
        self.code_verifier = ""

    def person(self, attempt: Attempt) -> None:
        """She proves who she is now, in answer to this question."""
        now = int(self.clock.now())
        self.claims = {
            "exp": now + 120,
            "iat": now,
            "auth_time": now - 5,
            "jti": "b1d4c1a7",
            "iss": ISSUER,
            "aud": CLIENT_ID,
            "sub": SUBJECT,
            "typ": "ID",
            "azp": CLIENT_ID,
            "nonce": attempt.nonce,
            "sid": "0d9c3f7e",
            "at_hash": half_hash(ACCESS_TOKEN),
            "acr": "eidas3",
            "preferred_username": f"8{RPPS}",
        }

    def id_token(self) -> str:
        if self.sign is not None:
            return self.sign(self.header, self.claims)
        return signed(self.header, json.dumps(self.claims).encode(), self.key)

    def redeem(self, code: str, code_verifier: str) -> UnverifiedTokens:
        self.calls.append("redeem")
        assert code == CODE
        self.code_verifier = code_verifier
        return UnverifiedTokens(self.id_token(), ACCESS_TOKEN)

    def userinfo(self, access_token: str) -> UnverifiedUserinfo:
        self.calls.append("userinfo")
        assert access_token == ACCESS_TOKEN
        body = json.dumps(self.about).encode() if self.userinfo_body is None else self.userinfo_body
        return UnverifiedUserinfo(self.userinfo_type, body)

    def keys(self) -> bytes:
        self.calls.append("keys")
        if isinstance(self.key_set, Exception):
            raise self.key_set
        return self.key_set


class Visit:
    """One person, one question, one answer."""

    def __init__(self, *, reauthenticate: bool = False, max_age_seconds: int | None = None, **changed: Any) -> None:
        self.clock = SetClock()
        self.psc = HonestPsc(self.clock)
        self.environment = environment(**changed)
        self.party = PscRelyingParty(self.environment, self.psc, clock=self.clock, randomness=CountedRandomness())
        self.address, self.attempt = self.party.ask(
            HANDLE, reauthenticate=reauthenticate, max_age_seconds=max_age_seconds
        )
        self.clock.advance(20)
        self.psc.person(self.attempt)
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(self.address).query).items()}
        self.callback: list[tuple[str, str]] = [("code", CODE), ("state", self.asked["state"]), ("session_state", "x")]

    def answer(self) -> VerifiedPscAssertion:
        return self.party.answered(UnverifiedCallback(self.callback), attempt=self.attempt)
