"""How a post is known to be shared: its network, the IT team's start page, or somebody's choice (SES-11).

The first is told by the address, the two others by a cookie. Each can only make things stricter: a cookie that was lost, or
never kept, leaves an ordinary post, and one that somebody forged a shared one. What follows is stored with the transaction and
the session, never asked of the cookie again.
"""

from enum import StrEnum
from typing import NamedTuple

from gateway.signin.shared_post.networks import DeclaredNetworks


class SharedBy(StrEnum):
    NETWORK = "network"
    POLICY = "policy"
    CHOICE = "choice"


class Post(NamedTuple):
    """`place` is the name of a declared network; nothing else says where a person is (DECISIONS 23)."""

    place: str | None = None
    shared: SharedBy | None = None


class Posts:
    def __init__(self, networks: DeclaredNetworks) -> None:
        self._networks = networks

    def of(self, address: str, mark: str | None) -> Post:
        """`address` is the peer's as the trusted proxies give it, `mark` the value of the cookie."""
        network = self._networks.of(address)
        place = network.name if network is not None else None
        if network is not None and network.shared:
            return Post(place, SharedBy.NETWORK)
        if mark is None:
            return Post(place)
        return Post(place, SharedBy.POLICY if mark == SharedBy.POLICY else SharedBy.CHOICE)


def may_be_marked_from(fetch_site: str | None) -> bool:
    """Whether a request may mark its browser by its mere address: the person, or the browser's start page, asked for it, or a
    page of ours. Another site cannot mark people's browsers; a browser that does not say is not marked."""
    return fetch_site in {"none", "same-origin"}
