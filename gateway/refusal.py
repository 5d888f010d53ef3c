"""A refusal says three things: a stable code, a text for people, a detail for the log.

The code and the text may leave the gateway; the detail never does. Every room derives its refusals from this class.
"""

from collections.abc import Mapping


class Refusal(Exception):  # noqa: N818 -- the domain's word
    """`code` is stable and public; `text` is a translation key; `detail` is for the log alone."""

    code: str = "refused"
    text: str = "refusal.generic"
    status: int = 400
    """What a page that can say nothing else answers with."""

    def __init__(self, detail: str = "", **facts: str | int) -> None:
        super().__init__(detail or self.code)
        self.detail = detail
        self.facts: Mapping[str, str | int] = facts
