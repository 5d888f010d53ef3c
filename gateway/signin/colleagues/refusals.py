"""Why a référent's act is refused, or a sheet."""

from gateway.refusal import Refusal


class OutOfReach(Refusal):
    """Oneself, somebody of another structure, an administrator, nobody: one answer for all (AC-121)."""

    code = "out_of_reach"
    text = "team.out_of_reach"
    status = 404


class NotNow(Refusal):
    """`text` says why: the account is not in the state for it, or somebody else went first."""

    code = "not_now"
    text = "team.not_now"

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.text = f"team.not_now_{why}"


class TooManyActs(Refusal):
    code = "too_many_acts"
    text = "team.too_many"


class SheetRefused(Refusal):
    """Malformed, unknown, expired, used, somebody else's, or one try too many: one text (RST-09)."""

    code = "sheet_refused"
    text = "sheet.refused"


class AddressTaken(Refusal):
    code = "address_taken"
    text = "sheet.address_taken"


class AddressUnreadable(Refusal):
    code = "address_unreadable"
    text = "sheet.address_unreadable"
