"""A key pair of the moment, for a provider that plays: `passerelle test-client` signs with it, honestly or not.

It signs whatever header and payload it is given, so nothing that serves people may hold one (a contract of the imports).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from gateway.keys.chosen_algorithm import ChosenAlgorithm
from gateway.keys.signing_key import Algorithm

_RSA_BITS = 2048


class _AnyHeader(ChosenAlgorithm):
    max_header_length = 8192

    def check_header(self, header: dict[str, Any]) -> None:
        """A lie may write any member."""


_REGISTRY = _AnyHeader(strict_check_header=False)


@dataclass(frozen=True, slots=True)
class ThrowawayKey:
    kid: str
    algorithm: Algorithm
    _key: ECKey | OKPKey | RSAKey = field(repr=False)

    @classmethod
    def generate(cls, kid: str, algorithm: Algorithm) -> "ThrowawayKey":
        if algorithm is Algorithm.ES256:
            return cls(kid, algorithm, ECKey.generate_key("P-256"))
        if algorithm is Algorithm.EDDSA:
            return cls(kid, algorithm, OKPKey.generate_key("Ed25519"))
        return cls(kid, algorithm, RSAKey.generate_key(_RSA_BITS))

    @property
    def public_jwk(self) -> dict[str, Any]:
        return {**self._key.as_dict(private=False), "kid": self.kid, "use": "sig", "alg": str(self.algorithm)}

    @property
    def public_pem(self) -> bytes:
        return bytes(self._key.as_pem(private=False))

    def sign(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
        """A compact JWS under `header` and the key's own algorithm."""
        whole = {**header, "alg": str(self.algorithm)}
        return jws.serialize_compact(whole, json.dumps(claims).encode(), self._key, registry=_REGISTRY)
