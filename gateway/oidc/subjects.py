"""By what name an application knows a person and her session (OpenID Connect Core §8.1; OID-16, DECISIONS 10).

Public: the account's identifier. Pairwise: a name for one sector, made of that identifier under a key that never has a
successor (a name that changed would be another person), kept beside the accounts. The session's identifier is made likewise, or
it would tell two sectors what the subject hides. Nothing is stored and nothing is turned back: a token of ours names its grant,
a browser its session, and the name is made again and compared.

An exchanged token (RFC 8693) keeps the name within one sector. Else it carries one that exists for that exchange alone: neither
side learns the other's name for the person, nor the account's.
"""

from collections.abc import Iterable

from gateway.applications.client import Client
from gateway.keys.purposes import Purpose, PurposeKey
from gateway.randomness import base64url


class Subjects:
    """A `sector` of None is what all public subjects share."""

    def __init__(self, key: PurposeKey) -> None:
        key.for_purpose(Purpose.PAIRWISE_SUBJECT)
        self._key = key

    def sub(self, account_id: str, sector: str | None) -> str:
        return account_id if sector is None else self._made(b"sub", sector, account_id)

    def sid(self, sid: str, sector: str | None) -> str:
        return sid if sector is None else self._made(b"sid", sector, sid)

    def _made(self, kind: bytes, sector: str, name: str) -> str:
        return base64url(self._key.mac(Purpose.PAIRWISE_SUBJECT, kind, sector.encode(), name.encode()))


def exchange_sector(holder: Client, audience: str, clients: Iterable[Client]) -> str | None:
    """That of a token made for `audience` from one issued to `holder`. A service that no person signs in to, and that says
    nothing of its sector, has none."""
    theirs = {
        client.sector
        for client in clients
        if client.audience == audience and (client.redirect_uris or client.sector is not None)
    }
    if theirs == {holder.sector} or (not theirs and holder.sector is None):
        return holder.sector
    return f"{holder.sector or ''} {audience}"  # a space is in no host
