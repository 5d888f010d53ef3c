"""The numbers of the provider, from the parameter table (`oidc.*`). Seconds and bytes; settings give them, rules read them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderPolicy:
    """`issuer` is also the prefix of every endpoint's address, without a final slash."""

    issuer: str
    code_ttl_seconds: int = 60
    access_token_ttl_seconds: int = 300
    id_token_ttl_seconds: int = 300
    token_size_limit: int = 8 * 1024
