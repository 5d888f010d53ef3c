"""What the journal wants to know of the request that carried a proof."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestContext:
    """`ip` is the peer's address as the trusted proxies give it; `user_agent` a short hash; `request` the incident number."""

    ip: str
    user_agent: str
    request: str
    language: str = "fr"
