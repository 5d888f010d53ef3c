"""The numbers of the provider, from the parameter table (`oidc.*`). Seconds and bytes; settings give them, rules read them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderPolicy:
    """`issuer` is also the prefix of every endpoint's address, without a final slash."""

    issuer: str
    code_ttl_seconds: int = 60
    par_ttl_seconds: int = 90
    access_token_ttl_seconds: int = 300
    id_token_ttl_seconds: int = 300
    refresh_idle_seconds: int = 30 * 60
    refresh_grace_seconds: float = 10.0
    """For how long the same client gets the same answer for a refresh token that it has just spent (DECISIONS 8)."""
    token_size_limit: int = 8 * 1024
