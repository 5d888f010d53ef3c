"""What is written and told when an account has just been activated, whichever of the three ways it took (DECISIONS 7).

Its holder gets a welcome that names their identifier and holds no secret (R001-03): the message with the link named nobody, so
that the two never travel together.
"""

from gateway.journal.effects import Effects, Outgoing, because
from gateway.journal.events import Outcome
from gateway.signin.journal_lines import Lines


def activated(account_id: str, lines: Lines) -> Effects:
    welcome = Outgoing("notice", {"account": account_id, "what": "welcome"})
    said = lines.said("account.activated", Outcome.SUCCESS, account_id)
    return said + because(outgoing=(welcome,))
