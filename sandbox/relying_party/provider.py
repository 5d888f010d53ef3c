"""The gateway as this client sees it: OpenID Connect Discovery §4 and its JWK Set, fetched when first needed.

Refuses metadata whose issuer is not exactly the configured one, endpoints that leave this machine, and symmetric or
encryption keys. The key set is fetched again when a signature names a key not seen before, at most once in ten seconds.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt
import requests

from sandbox.loopback import is_loopback_url
from sandbox.relying_party.failures import ProviderUnreachable, ResponseRefused

TIMEOUT_SECONDS = 10
LARGEST_ANSWER = 1_000_000
METADATA_KEPT_SECONDS = 60.0
KEYS_FETCHED_AT_MOST_EVERY_SECONDS = 10.0


@dataclass(frozen=True)
class Metadata:
    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None
    acr_values_supported: tuple[str, ...]
    says_iss_in_response: bool


def fetch_json(
    method: str, url: str, *, headers: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    """Status and JSON object. No redirect is followed, no proxy or stored password of the machine is used."""
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(
                method, url, headers=headers, data=form, timeout=TIMEOUT_SECONDS, allow_redirects=False, stream=True
            )
            content = answer.raw.read(LARGEST_ANSWER + 1, decode_content=True)
            status = answer.status_code
    except (requests.RequestException, OSError) as failure:
        raise ProviderUnreachable("provider_unreachable", type(failure).__name__) from failure
    try:
        body = json.loads(content) if len(content) <= LARGEST_ANSWER else None
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise ProviderUnreachable("provider_unreachable", f"HTTP {status} sans objet JSON")
    return status, body


class Provider:
    def __init__(self, issuer: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.issuer = issuer
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._metadata: tuple[float, Metadata] | None = None
        self._keys: tuple[float, list[dict[str, Any]]] | None = None

    def metadata(self) -> Metadata:
        with self._lock:
            now = self._monotonic()
            if self._metadata is None or now - self._metadata[0] > METADATA_KEPT_SECONDS:
                self._metadata = (now, self._discover())
            return self._metadata[1]

    def signing_key(self, kid: str | None, algorithm: str) -> jwt.PyJWK:
        """The one published key of that name fit for that algorithm, or ResponseRefused."""
        jwks_uri = self.metadata().jwks_uri
        with self._lock:
            now = self._monotonic()
            fitting = self._fitting(kid, algorithm)
            stale = self._keys is None or now - self._keys[0] >= KEYS_FETCHED_AT_MOST_EVERY_SECONDS
            if not fitting and stale:
                _, body = fetch_json("GET", jwks_uri)
                keys = body.get("keys")
                self._keys = (now, [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else [])
                fitting = self._fitting(kid, algorithm)
        if len(fitting) != 1:
            raise ResponseRefused("unknown_key", f"{len(fitting)} clé publiée sous le nom {kid!r} pour {algorithm}")
        return fitting[0]

    def _fitting(self, kid: str | None, algorithm: str) -> list[jwt.PyJWK]:
        found = []
        for published in self._keys[1] if self._keys else []:
            if published.get("kty") not in ("EC", "RSA") or published.get("use", "sig") != "sig" or "d" in published:
                continue
            try:
                key = jwt.PyJWK.from_dict(published)
            except (jwt.PyJWTError, ValueError, TypeError):
                continue
            if key.algorithm_name == algorithm and kid in (None, key.key_id):
                found.append(key)
        return found

    def _discover(self) -> Metadata:
        _, body = fetch_json("GET", f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if body.get("issuer") != self.issuer:
            raise ResponseRefused("wrong_issuer_in_metadata", repr(body.get("issuer")))
        acr_values = body.get("acr_values_supported")
        return Metadata(
            authorization_endpoint=_endpoint(body, "authorization_endpoint"),
            token_endpoint=_endpoint(body, "token_endpoint"),
            userinfo_endpoint=_endpoint(body, "userinfo_endpoint"),
            jwks_uri=_endpoint(body, "jwks_uri"),
            end_session_endpoint=_endpoint(body, "end_session_endpoint") if "end_session_endpoint" in body else None,
            acr_values_supported=tuple(map(str, acr_values)) if isinstance(acr_values, list) else (),
            says_iss_in_response=body.get("authorization_response_iss_parameter_supported") is True,
        )


def _endpoint(metadata: Mapping[str, Any], name: str) -> str:
    url = metadata.get(name)
    if not isinstance(url, str) or not is_loopback_url(url):
        raise ResponseRefused("unusable_metadata", f"{name} : {url!r}")
    return url
