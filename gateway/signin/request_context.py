"""What the journal wants to know of the request that carried a proof."""

from dataclasses import dataclass
from typing import Self

from gateway.signin.shared_post.post import SharedBy
from gateway.web.request_facts import RequestFacts


@dataclass(frozen=True, slots=True)
class RequestContext:
    """`ip` is the peer's address as the trusted proxies give it; `user_agent` a short hash; `request` the incident number;
    `place` a declared network; `shared` how the post is known to be shared."""

    ip: str
    user_agent: str
    request: str
    language: str = "fr"
    place: str | None = None
    shared: SharedBy | None = None
    device: str = ""
    """By which words the holder of a session recognises this browser."""
    unverified_marks: str = ""
    """What this browser shows of the people who signed in there before."""

    @classmethod
    def of(cls, facts: RequestFacts, language: str) -> Self:
        shared = SharedBy(facts.shared) if facts.shared is not None else None
        return cls(facts.ip, facts.user_agent, facts.incident, language, facts.place, shared)
