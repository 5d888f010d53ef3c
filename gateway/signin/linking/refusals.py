"""What linking says no with. The person reads one text for each; why, is for the log alone (LNK-13)."""

from gateway.refusal import Refusal


class LinkRefused(Refusal):
    """One text, with the contact; `detail` has the reason, for the log. The journey goes on without the identity."""

    code = "link_refused"
    text = "linking.refused"


class IdentityStale(Refusal):
    """Proved too long ago to begin anything: the person proves it again, now."""

    code = "identity_stale"
    text = "linking.identity_stale"


class IdentityRefused(Refusal):
    """This identity signs nobody in: its link is frozen, or it now says to be somebody else. The reason is for the log."""

    code = "identity_refused"
    text = "linking.identity_refused"
