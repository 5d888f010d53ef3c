"""Who is asked for a second step: somebody whose password counts, in a journey that is not over, whose account is active now.

Nothing is sent, shown or challenged before that (OTP-10, OTP-11).
"""

from gateway.accounts.account import Account
from gateway.accounts.ports import Accounts
from gateway.signin.demands import Demands, usable
from gateway.signin.gone import TransactionMoved
from gateway.signin.shared_post.same_person import is_asked
from gateway.signin.transaction import SigninTransaction


def proved_person(accounts: Accounts, demands: Demands, txn: SigninTransaction) -> Account:
    """Raises TransactionMoved."""
    account = accounts.get(txn.account_id) if txn.account_id is not None else None
    over = txn.session_digest is not None or txn.refusal is not None
    if is_asked(txn):
        raise TransactionMoved("on a shared post, nobody has said whose session this is")
    if account is None or not usable(account) or over or not demands.counted(txn.evidence, account, txn.demand):
        raise TransactionMoved("no first factor, or the journey is over")
    return account
