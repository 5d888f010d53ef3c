"""What the window shows at one moment, as a plain value: no toolkit, no thread, no card.

A code is asked only in a scene that says `asks_code`; a blocked card's scene has no field and no way to send anything
(BR-04). The only facts of the card here are its label, its holder's name and the tries left (§3.6, step 4).
"""

from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    """How the line about the card is coloured; the words say the same."""

    WAITING = "waiting"
    READY = "ready"
    WARNING = "warning"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True)
class Scene:
    """Every text is in the person's language already."""

    title: str
    origin_caption: str
    origin: str
    purpose: str
    state: str
    tone: Tone
    cancel: str
    state_detail: str = ""
    holder_caption: str = ""
    holder: str = ""
    card: str = ""
    notice: str = ""
    alarm: str = ""
    asks_code: bool = False
    code_caption: str = ""
    tries: str = ""
    proceed: str = ""
    promise: str = ""

    @property
    def spoken(self) -> str:
        """What a screen reader is told when this scene appears: what changed, then what is asked."""
        return " ".join(text for text in (self.alarm, self.state, self.state_detail, self.notice, self.tries) if text)
