"""When another password must be chosen: it is demanded (first sign-in, compromise), or an administrator's is too old (R001-08,
PWD-07, PWD-08). Nobody else's grows old.
"""

from gateway.accounts.account import Account


def must_renew(account: Account, now: float, *, administrators_after: float) -> bool:
    """Whether a password is worth nothing but choosing another one. One that is exactly as old as the limit is too old."""
    if account.password_hash is None:
        return False
    if account.must_change_password:
        return True
    since = account.created_at if account.password_set_at is None else account.password_set_at
    return account.is_administrator and now - since >= administrators_after
