"""Verifies the gateway's access tokens in an API (RFC 9068 §4, RFC 6750 §3, RFC 9449 §7, RFC 8705 §3, RFC 9470).

Take this file as it is: it needs Python 3.11 and joserfc 1.x, knows no web framework, and imports nothing of the gateway.
One Gateway and one ResourceServer for the life of the process; `access()` for each request, then the demands of the route.
Every refusal is an AccessRefused that holds the whole answer: status, headers, body. Its `detail` is for your log alone.
"""

import base64
import hashlib
import json
import threading
import time
import urllib.request
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlsplit

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

Key = ECKey | OKPKey | RSAKey
Fetch = Callable[[str], bytes]

ACCESS_TOKEN_ALGORITHMS = ("ES256",)
PROOF_ALGORITHMS = ("ES256", "PS256", "EdDSA")
KEY_KINDS: Mapping[str, type[Key]] = {"EC": ECKey, "OKP": OKPKey, "RSA": RSAKey}
TOKEN_LIMIT, PROOF_LIMIT, DOCUMENT_LIMIT = 16 * 1024, 8 * 1024, 256 * 1024
KEYS_ARE_FRESH_SECONDS = 600
KEYS_ARE_BELIEVED_SECONDS = 24 * 3600
"""How long the keys that are known go on serving when the gateway does not answer."""
FETCH_EVERY_SECONDS = 30
"""At most one fetch in this time, whatever key names callers invent."""
LEEWAY_SECONDS = 30
PROOF_AGE_SECONDS, PROOFS_REMEMBERED = 120, 100_000
HABILITATIONS = "/v1/me/habilitations"
ACR_RANKING: Sequence[Sequence[str]] = (
    ("urn:passerelle:acr:pwd",),
    ("urn:passerelle:acr:pwd-device",),
    ("urn:passerelle:acr:pwd-otp-mail",),
    ("urn:passerelle:acr:pwd-otp-sms",),
    ("urn:passerelle:acr:pwd-totp",),
    ("urn:passerelle:acr:passkey",),
    ("urn:passerelle:acr:card", "urn:passerelle:acr:psc"),
)
"""Weakest first, as idp_config/assurance.yaml ranks them."""


class AccessRefused(Exception):  # noqa: N818 -- a refusal, with its answer
    """`parameters` are those of WWW-Authenticate; without `scheme` the answer has no such header."""

    def __init__(
        self, status: int, error: str, detail: str, *, scheme: str | None = None, **parameters: str | int
    ) -> None:
        super().__init__(f"{error or 'no token'}: {detail}")
        self.status, self.error, self.detail = status, error, detail
        self._scheme, self._parameters = scheme, parameters

    @property
    def headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
        if self._scheme is None:
            return headers
        said: dict[str, str | int] = {"error": self.error} if self.error else {}
        said |= self._parameters
        words = ", ".join(f"{name}={_quoted(value)}" for name, value in said.items())
        challenge = f"{self._scheme} {words}".rstrip()
        if not self.error:  # no token at all: the caller may come with either kind
            challenge += f', DPoP algs="{" ".join(PROOF_ALGORITHMS)}"'
        return {**headers, "WWW-Authenticate": challenge}

    @property
    def body(self) -> bytes:
        return json.dumps({"error": self.error or "unauthorized"}).encode()


class GatewayUnreachable(AccessRefused):
    """The keys cannot be had: not the caller's fault, so 503 and no challenge."""

    def __init__(self, detail: str) -> None:
        super().__init__(503, "temporarily_unavailable", detail)

    @property
    def headers(self) -> dict[str, str]:
        return {**super().headers, "Retry-After": str(FETCH_EVERY_SECONDS)}


class RightsNotInToken(AccessRefused):
    """The token says itself that it does not hold all the rights: the answer is in `address`, asked with the same token."""

    def __init__(self, address: str) -> None:
        super().__init__(403, "rights_not_in_token", f"ask {address}")
        self.address = address


# ── the gateway's keys ──


class Gateway:
    """The published keys of `issuer`, kept; fetched anew when they are old, or when a token names an unknown one."""

    def __init__(self, issuer: str, *, fetch: Fetch | None = None, now: Callable[[], float] = time.time) -> None:
        self.issuer = issuer
        self._fetch = fetch or _fetched
        self._now = now
        self._keys: dict[str, Key] = {}
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._lock = threading.Lock()

    def key(self, kid: str) -> Key | None:
        """None: the gateway publishes no such key. Raises GatewayUnreachable."""
        now, known = self._now(), kid in self._keys
        wanted = not known or self._older_than(KEYS_ARE_FRESH_SECONDS, now)
        if wanted and self._lock.acquire(blocking=not known):  # who knows the key does not wait for another's fetch
            try:
                if kid not in self._keys or self._older_than(KEYS_ARE_FRESH_SECONDS, now):
                    self._fetch_if_allowed(now)
            finally:
                self._lock.release()
        if self._older_than(KEYS_ARE_BELIEVED_SECONDS, now):
            raise GatewayUnreachable("its keys could not be fetched")
        return self._keys.get(kid)

    def _older_than(self, seconds: float, now: float) -> bool:
        return self._fetched_at is None or now - self._fetched_at > seconds

    def _fetch_if_allowed(self, now: float) -> None:
        if self._tried_at is not None and abs(now - self._tried_at) < FETCH_EVERY_SECONDS:
            return
        self._tried_at = now
        try:
            configuration = _object(self._fetch(f"{self.issuer}/.well-known/openid-configuration"))
            if configuration.get("issuer") != self.issuer:
                return
            published = _object(self._fetch(str(configuration.get("jwks_uri")))).get("keys")
            keys = dict(_readable_keys(published))
        except (OSError, ValueError, HTTPException):
            return  # those that are known go on serving
        if keys:
            self._keys, self._fetched_at = keys, now


def _readable_keys(published: object) -> list[tuple[str, Key]]:
    """By `kid`. A key of a kind that this file does not know is somebody else's."""
    found: list[tuple[str, Key]] = []
    for member in published if isinstance(published, list) else []:
        kid = member.get("kid") if isinstance(member, dict) else None
        if isinstance(kid, str) and member.get("use", "sig") == "sig" and (key := _public_key(member)) is not None:
            found.append((kid, key))
    return found


def _public_key(jwk: Mapping[str, Any]) -> Key | None:
    kind = KEY_KINDS.get(str(jwk.get("kty")))
    if kind is None or {"d", "k"} & jwk.keys():
        return None
    try:
        key = kind.import_key(dict(jwk))
        _ = key.public_key
    except (JoseError, ValueError, TypeError, AttributeError, LookupError):
        return None  # no key, or on a curve that nobody here knows
    return key


def _fetched(address: str) -> bytes:
    parts = urlsplit(address)
    if parts.scheme != "https" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
        raise ValueError("https alone, but on this machine")
    with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 -- the scheme is judged above
        content: bytes = answer.read(DOCUMENT_LIMIT + 1)
        if len(content) > DOCUMENT_LIMIT or answer.url != address:
            raise ValueError("too long, or elsewhere")
    return content


# ── the token ──


@dataclass(slots=True)
class Draft:
    """A token under examination. What is in it is believed when every check has passed, and not before."""

    server: "ResourceServer"
    token: str
    scheme: str
    method: str
    url: str
    proof: str | None
    certificate: bytes | None
    now: float
    header: Mapping[str, Any] = field(default_factory=dict)
    claims: Mapping[str, Any] = field(default_factory=dict)
    key: Key | None = None

    def refused(self, detail: str, error: str = "invalid_token") -> AccessRefused:
        parameters = {"algs": " ".join(PROOF_ALGORITHMS)} if self.scheme == "DPoP" else {}
        return AccessRefused(401, error, detail, scheme=self.scheme, **parameters)


def token_is_readable(draft: Draft) -> None:
    try:
        draft.header, draft.claims = _unverified(draft.token, TOKEN_LIMIT)
    except ValueError as error:
        raise draft.refused(f"unreadable: {error}") from error


def typ_is_access_token(draft: Draft) -> None:
    """So that an ID token or a logout token, signed by the same keys, opens nothing."""
    typ = draft.header.get("typ")
    if not isinstance(typ, str) or typ.lower() not in {"at+jwt", "application/at+jwt"}:
        raise draft.refused(f"typ {typ!r}")


def algorithm_is_on_the_list(draft: Draft) -> None:
    if draft.header.get("alg") not in ACCESS_TOKEN_ALGORITHMS:
        raise draft.refused(f"alg {draft.header.get('alg')!r}")


def nothing_unknown_is_critical(draft: Draft) -> None:
    if "crit" in draft.header:
        raise draft.refused("crit")


def key_is_published(draft: Draft) -> None:
    """By `kid` alone: a key, or an address of one, inside the token is never read."""
    kid = draft.header.get("kid")
    draft.key = draft.server.gateway.key(kid) if isinstance(kid, str) else None
    if draft.key is None:
        raise draft.refused(f"kid {kid!r}")


def signature_is_right(draft: Draft) -> None:
    if not _is_signed(draft.token, draft.key, str(draft.header.get("alg"))):
        raise draft.refused("signature")


def issuer_is_the_gateway(draft: Draft) -> None:
    if draft.claims.get("iss") != draft.server.gateway.issuer:
        raise draft.refused(f"iss {draft.claims.get('iss')!r}")


def audience_is_this_api(draft: Draft) -> None:
    audience = draft.claims.get("aud")
    if draft.server.audience not in (audience if isinstance(audience, list) else [audience]):
        raise draft.refused(f"aud {audience!r}")


def token_has_not_expired(draft: Draft) -> None:
    if draft.now >= _number(draft, "exp") + LEEWAY_SECONDS:
        raise draft.refused("exp")


def token_has_begun(draft: Draft) -> None:
    if "nbf" in draft.claims and draft.now < _number(draft, "nbf") - LEEWAY_SECONDS:
        raise draft.refused("nbf")


def token_is_not_of_tomorrow(draft: Draft) -> None:
    if draft.now < _number(draft, "iat") - LEEWAY_SECONDS:
        raise draft.refused("iat")


def names_are_there(draft: Draft) -> None:
    for name in ("sub", "client_id", "jti"):
        if not isinstance(draft.claims.get(name), str) or not draft.claims[name]:
            raise draft.refused(f"{name} is missing")


def binding_is_known(draft: Draft) -> None:
    """A token bound in a manner that this file cannot check is refused, as one bound otherwise than it came."""
    confirmation = draft.claims.get("cnf", {})
    if not isinstance(confirmation, dict) or not confirmation.keys() <= {"jkt", "x5t#S256"}:
        raise draft.refused("cnf")
    if ("jkt" in confirmation) != (draft.scheme == "DPoP"):
        raise draft.refused("bound or not, it came under the other scheme")


def certificate_is_the_tokens(draft: Draft) -> None:
    """RFC 8705 §3: the certificate of this very connection, as your TLS end gives it."""
    wanted = draft.claims.get("cnf", {}).get("x5t#S256")
    if wanted is not None and (draft.certificate is None or wanted != _sha256(draft.certificate)):
        raise draft.refused("another certificate, or none")


def proof_comes_with_it(draft: Draft) -> None:
    """RFC 9449 §7.1 and §4.3."""
    if "jkt" not in draft.claims.get("cnf", {}):
        return
    proof = ProofDraft(draft)
    for check in draft.server.proof_checks:
        check(proof)


CHECKS: Sequence[Callable[[Draft], None]] = (
    token_is_readable,
    typ_is_access_token,
    algorithm_is_on_the_list,
    nothing_unknown_is_critical,
    key_is_published,
    signature_is_right,
    issuer_is_the_gateway,
    audience_is_this_api,
    token_has_not_expired,
    token_has_begun,
    token_is_not_of_tomorrow,
    names_are_there,
    binding_is_known,
    certificate_is_the_tokens,
    proof_comes_with_it,
)


# ── the DPoP proof ──


class ProofDraft:
    def __init__(self, draft: Draft) -> None:
        self.of = draft
        self.proof = draft.proof or ""
        self.header: Mapping[str, Any] = {}
        self.claims: Mapping[str, Any] = {}

    def refused(self, detail: str) -> AccessRefused:
        return self.of.refused(detail, "invalid_dpop_proof")

    def key(self) -> Key | None:
        jwk = self.header.get("jwk")
        return _public_key(jwk) if isinstance(jwk, dict) else None

    def thumbprint(self) -> str:
        key = self.key()
        return key.thumbprint() if key is not None else ""


def proof_is_readable(proof: ProofDraft) -> None:
    try:
        proof.header, proof.claims = _unverified(proof.proof, PROOF_LIMIT)
    except ValueError as error:
        raise proof.refused(f"no proof: {error}") from error


def proof_is_a_proof(proof: ProofDraft) -> None:
    if proof.header.get("typ") != "dpop+jwt":
        raise proof.refused("typ")


def proof_has_a_listed_algorithm(proof: ProofDraft) -> None:
    if proof.header.get("alg") not in PROOF_ALGORITHMS or "crit" in proof.header:
        raise proof.refused("alg")


def proof_is_signed_by_its_key(proof: ProofDraft) -> None:
    if not _is_signed(proof.proof, proof.key(), str(proof.header.get("alg"))):
        raise proof.refused("signature")


def proof_is_of_this_method(proof: ProofDraft) -> None:
    if proof.claims.get("htm") != proof.of.method:
        raise proof.refused("htm")


def proof_is_of_this_address(proof: ProofDraft) -> None:
    named = _normal(str(proof.claims.get("htu")))
    if named is None or named != _normal(proof.of.url):
        raise proof.refused("htu")


def proof_is_of_now(proof: ProofDraft) -> None:
    made = proof.claims.get("iat")
    if isinstance(made, bool) or not isinstance(made, int | float):
        raise proof.refused("iat is missing")
    if not proof.of.now - PROOF_AGE_SECONDS < made <= proof.of.now + LEEWAY_SECONDS:
        raise proof.refused("iat")


def proof_is_of_this_token(proof: ProofDraft) -> None:
    if proof.claims.get("ath") != _sha256(proof.of.token.encode()):
        raise proof.refused("ath")


def proof_is_of_the_tokens_key(proof: ProofDraft) -> None:
    if proof.thumbprint() != proof.of.claims["cnf"]["jkt"]:
        raise proof.of.refused("the proof is of another key")


def proof_is_used_once(proof: ProofDraft) -> None:
    jti = proof.claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= 256:
        raise proof.refused("jti is missing")
    until = proof.of.now + PROOF_AGE_SECONDS + LEEWAY_SECONDS
    if not proof.of.server.spend_proof(f"{proof.thumbprint()} {jti}", until):
        raise proof.refused("jti was used before")


PROOF_CHECKS: Sequence[Callable[[ProofDraft], None]] = (
    proof_is_readable,
    proof_is_a_proof,
    proof_has_a_listed_algorithm,
    proof_is_signed_by_its_key,
    proof_is_of_this_method,
    proof_is_of_this_address,
    proof_is_of_now,
    proof_is_of_this_token,
    proof_is_of_the_tokens_key,
    proof_is_used_once,
)


class SpentProofs:
    """In the memory of one process. With several, give ResourceServer a function over your Redis (SET key NX EX) instead."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._until: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def spend(self, name: str, until: float) -> bool:
        """False: it was spent before."""
        with self._lock:
            while self._until and (
                next(iter(self._until.values())) < self._now() or len(self._until) > PROOFS_REMEMBERED
            ):
                self._until.popitem(last=False)
            if name in self._until:
                return False
            self._until[name] = until
            return True


# ── the request ──


class ResourceServer:
    """`audience`: that of the application's file, exactly. `acr_ranking`: yours, when the gateway's operator changed it."""

    def __init__(
        self,
        gateway: Gateway,
        audience: str,
        *,
        acr_ranking: Sequence[Sequence[str]] = ACR_RANKING,
        spend_proof: Callable[[str, float], bool] | None = None,
        now: Callable[[], float] = time.time,
        checks: Sequence[Callable[[Draft], None]] = CHECKS,
        proof_checks: Sequence[Callable[[ProofDraft], None]] = PROOF_CHECKS,
    ) -> None:
        self.gateway, self.audience, self.acr_ranking = gateway, audience, acr_ranking
        self.spend_proof = spend_proof or SpentProofs(now).spend
        self.now, self.checks, self.proof_checks = now, checks, proof_checks

    def access(
        self, method: str, url: str, headers: Mapping[str, str], *, certificate: bytes | None = None
    ) -> "Access":
        """The access that this request has. `url` is the one that the caller typed, before any proxy; `certificate` the
        DER form of the TLS client certificate, from your TLS end and nobody else. Raises AccessRefused."""
        said = {name.lower(): value for name, value in headers.items()}
        scheme, _, token = said.get("authorization", "").partition(" ")
        kind = {"bearer": "Bearer", "dpop": "DPoP"}.get(scheme.lower())
        if kind is None:
            raise AccessRefused(401, "", "no access token", scheme="Bearer")
        draft = Draft(self, token.strip(), kind, method, url, said.get("dpop"), certificate, self.now())
        for check in self.checks:
            check(draft)
        return Access(draft.claims, self, kind, draft.token, draft.now)


@dataclass(frozen=True, slots=True)
class Access:
    """A verified token, and what a route may demand of it. Every demand raises AccessRefused, or gives nothing."""

    claims: Mapping[str, Any]
    server: ResourceServer = field(repr=False)
    scheme: str
    token: str = field(repr=False)
    now: float

    @property
    def subject(self) -> str:
        return str(self.claims["sub"])

    @property
    def is_service(self) -> bool:
        """An application for itself (client_credentials): nobody is behind it."""
        return bool(self.claims["sub"] == self.claims["client_id"])

    @property
    def structure(self) -> str | None:
        """The active structure's identifier."""
        active = self.claims.get("structure")
        return active.get("id") if isinstance(active, dict) else None

    def demand_person(self) -> None:
        if self.is_service:
            raise AccessRefused(403, "person_wanted", "a service's token")

    def demand_scopes(self, *scopes: str) -> None:
        if not set(scopes) <= set(str(self.claims.get("scope", "")).split(" ")):
            raise AccessRefused(403, "insufficient_scope", "scope", scheme=self.scheme, scope=" ".join(scopes))

    def demand_entitlements(self, *entitlements: str) -> None:
        """In the active structure. Another token would not say otherwise, so there is no challenge."""
        self._demand("entitlements", entitlements)

    def demand_roles(self, *roles: str) -> None:
        self._demand("roles", roles)

    def demand_structure(self, structure_id: str) -> None:
        """That the person acts for the structure whose data is asked. Else the application starts again with `structure=`."""
        if self.structure != structure_id:
            raise AccessRefused(403, "wrong_structure", f"acts for {self.structure!r}")

    def roles_in(self, structure_id: str) -> list[str]:
        """In any structure that the token lists. Raises RightsNotInToken when the list was capped before it."""
        for listed in _objects(self.claims.get("structures")):
            if listed.get("id") == structure_id:
                return [str(role) for role in listed.get("roles", [])]
        if self.claims.get("structures_truncated") or self.claims.get("roles_overflow"):
            raise RightsNotInToken(self.server.gateway.issuer + HABILITATIONS)
        return []

    def demand_level(self, acr: str) -> None:
        """RFC 9470 §3: at least this level. The challenge names every level that would do, weakest first."""
        ranks = {name: rank for rank, names in enumerate(self.server.acr_ranking) for name in names}
        if ranks.get(str(self.claims.get("acr")), -1) < ranks[acr]:
            enough = " ".join(name for name, rank in ranks.items() if rank >= ranks[acr])
            raise self._stronger("acr", acr_values=enough)

    def demand_recent(self, max_age: int) -> None:
        """RFC 9470 §3: that the person proved who she is at most `max_age` seconds ago."""
        proved = self.claims.get("auth_time")
        if not isinstance(proved, int) or self.now - proved > max_age:
            raise self._stronger("auth_time", max_age=max_age)

    def _demand(self, kind: str, wanted: Sequence[str]) -> None:
        if self.claims.get("roles_overflow"):
            raise RightsNotInToken(self.server.gateway.issuer + HABILITATIONS)
        held = self.claims.get(kind)
        if not set(wanted) <= set(held if isinstance(held, list) else []):
            raise AccessRefused(403, "insufficient_rights", f"{kind}: {held!r}")

    def _stronger(self, detail: str, **parameters: str | int) -> AccessRefused:
        return AccessRefused(401, "insufficient_user_authentication", detail, scheme=self.scheme, **parameters)


# ── small print ──


def _unverified(token: str, limit: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and payload of a compact JWS that nobody has verified. Raises ValueError."""
    parts = token.split(".")
    if len(token) > limit or not token.isascii() or len(parts) != 3:
        raise ValueError("size or shape")
    header, payload = (
        base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True) for part in parts[:2]
    )
    return _object(header), _object(payload)


def _object(raw: bytes) -> dict[str, Any]:
    """A JSON object in which no member is written twice. Raises ValueError."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(members := dict(pairs)) != len(pairs):
            raise ValueError("a member twice")
        return members

    try:
        read = json.loads(raw, object_pairs_hook=once)
    except RecursionError as error:
        raise ValueError("too deep") from error
    if not isinstance(read, dict):
        raise ValueError("no object")  # noqa: TRY004 -- what came is wrong, not this program
    return read


class _Registry(jws.JWSRegistry):
    """The one algorithm was chosen before; the header of a proof may hold an RSA key."""

    max_header_length = 4096

    def get_alg(self, name: str) -> Any:
        return self.algorithms[name]


def _is_signed(token: str, key: Key | None, algorithm: str) -> bool:
    try:
        registry = _Registry(strict_check_header=False)
        signed = jws.extract_compact(token.encode("ascii"), registry=registry)
        return key is not None and jws.validate_compact(signed, key, registry=registry)
    except (JoseError, ValueError, TypeError):
        return False


def _number(draft: Draft, name: str) -> float:
    value = draft.claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise draft.refused(f"{name} is missing")
    return value


def _objects(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _sha256(octets: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(octets).digest()).rstrip(b"=").decode()


def _normal(address: str) -> tuple[str, str, int | None, str] | None:
    """Without query and fragment; scheme, host, port and escaped characters as RFC 3986 §6.2 compares them, for frameworks hand
    on a path that they have unescaped. An escaped slash is no slash."""
    try:
        parts = urlsplit(address)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
        path = "/".join(quote(unquote_to_bytes(segment), safe="") for segment in parts.path.split("/"))
    except ValueError:
        return None
    return parts.scheme, parts.hostname or "", port, path or "/"


def _quoted(value: str | int) -> str:
    if isinstance(value, int):
        return str(value)
    return '"' + value.replace("\\", "").replace('"', "") + '"'
