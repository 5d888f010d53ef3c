"""What each account can prove beside its password, from the durable store."""

from gateway.signin.factors import StoredFactors
from gateway.signin.policy import SigninPolicy
from gateway.storage.sql.database import Database


def stored_factors(database: Database, policy: SigninPolicy) -> StoredFactors:
    return StoredFactors(database.held, policy)
