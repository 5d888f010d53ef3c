"""Builds what says which proofs somebody has left: needed with passkeys or without, so their library is not loaded for it."""

from gateway.signin.policy import SigninPolicy
from gateway.signin.remaining_proofs import RemainingProofs
from gateway.wiring.stores import Stores


def remaining_proofs(stores: Stores, policy: SigninPolicy) -> RemainingProofs:
    database = stores.database
    return RemainingProofs(
        totp=database.totp,
        passkeys=database.passkeys,
        identities=database.identities,
        policy=policy,
        clock=stores.clock,
    )
