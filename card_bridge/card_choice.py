"""Which card the window works with, from a picture of all readers: the one professional card, or what to tell the person.

A card of another kind (a carte Vitale that stays in its reader) is passed over while a reader is free for the right one.
"""

from dataclasses import dataclass

from card_bridge.card.family import is_accepted
from card_bridge.ports import WindowState
from card_bridge.reader_monitor import Picture
from card_bridge.refusals import BridgeRefusal, Code


@dataclass(frozen=True)
class CardInReader:
    reader: str
    event_count: int
    generation: int


def choose(picture: Picture) -> CardInReader | WindowState:
    """The card, or the state to show while waiting; BridgeRefusal(CARD_UNSUPPORTED) when waiting makes no sense."""
    if not picture.service:
        return WindowState.SERVICE_STOPPED
    if not picture.readers:
        return WindowState.NO_READER
    accepted = [
        CardInReader(name, card.event_count, picture.generation)
        for name, card in picture.readers.items()
        if card.present and not card.mute and is_accepted(card.atr)
    ]
    if len(accepted) == 1:
        return accepted[0]
    if accepted:
        return WindowState.SEVERAL_CARDS
    cards = [card for card in picture.readers.values() if card.present]
    if any(card.mute for card in cards):
        return WindowState.CARD_MUTE
    if not cards:
        return WindowState.NO_CARD
    if len(cards) == len(picture.readers):
        raise BridgeRefusal(Code.CARD_UNSUPPORTED, "ATR")
    return WindowState.CARD_UNSUPPORTED


def is_still_there(card: CardInReader, picture: Picture) -> bool:
    """False when the card left, even if a card is there again: the counter of its reader moved."""
    seen = picture.readers.get(card.reader)
    return seen is not None and seen.present and seen.event_count == card.event_count
