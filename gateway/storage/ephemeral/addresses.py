"""Where a record lives: a partition and a digest (SES-01). The handle itself goes no further than this module.

A handle that a browser or an application presents is unverified: anything malformed is simply unknown. A handle that the
gateway has just drawn must be in its account's partition, or one atomic step could not reach all that the account has.
"""

from typing import NamedTuple

from gateway.randomness import digest, partition_of

_HEXADECIMAL = "0123456789abcdef"
_LONGEST_HANDLE = 200


class Address(NamedTuple):
    partition: int
    digest: str


def address_of(unverified_handle: str) -> Address | None:
    """The address that a handle names; None when it cannot be one of ours."""
    if not unverified_handle.isascii() or not 1 <= len(unverified_handle) <= _LONGEST_HANDLE:
        return None
    partition = _HEXADECIMAL.find(unverified_handle[0])
    return None if partition < 0 else Address(partition, digest(unverified_handle))


def drawn_address(handle: str, account_id: str | None = None) -> Address:
    """The address of a handle that the gateway drew; ValueError when it is not one, or is not in the account's partition."""
    address = address_of(handle)
    if address is None:
        raise ValueError("this handle was not made by gateway.randomness.handle")
    if account_id is not None and address.partition != partition_of(account_id):
        raise ValueError("this handle is not in the partition of its account")
    return address
