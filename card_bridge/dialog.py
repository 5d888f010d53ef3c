"""One authentication, from the window's opening to its closing (cps-card.md §3.6, step 4): a card, then its holder.

Missing readers and cards are waited for in the window; the page learns of them only when time is over. A card that leaves or
changes once it was read ends the dialog. After another program disturbed the card everything begins again, once.
"""

from collections.abc import Callable

from card_bridge.card_choice import CardInReader, choose
from card_bridge.card_session import CardSession, SignedByCard
from card_bridge.person import Person
from card_bridge.ports import (
    CardInterrupted,
    CardInUse,
    CardMute,
    CardRemoved,
    Clock,
    Demand,
    NoCard,
    NoReader,
    ProtocolMismatch,
    ServiceStopped,
    View,
    Window,
    WindowState,
)
from card_bridge.reader_faults import MeaningfulConnection, MeaningfulReaders
from card_bridge.reader_monitor import ReaderMonitor
from card_bridge.refusals import BridgeRefusal, Code
from card_bridge.signed_value import digest_info, value_to_sign

SECONDS = 120.0
SERVICE_PATIENCE = 10.0
"""A service that restarts is waited for; one that stays away is told to the page."""

_AFTER_WAITING = {
    WindowState.NO_READER: Code.NO_READER,
    WindowState.NO_CARD: Code.NO_CARD,
    WindowState.CARD_MUTE: Code.CARD_MUTE,
    WindowState.CARD_IN_USE: Code.CARD_IN_USE,
    WindowState.CARD_UNSUPPORTED: Code.CARD_UNSUPPORTED,
    WindowState.SEVERAL_CARDS: Code.USER_TIMEOUT,
    WindowState.SERVICE_STOPPED: Code.SERVICE_UNAVAILABLE,
}
_LAST_VIEW = {
    Code.PIN_BLOCKED: WindowState.PIN_BLOCKED,
    Code.CARD_UNSUPPORTED: WindowState.CARD_UNSUPPORTED,
    Code.CERTIFICATE_UNSUPPORTED: WindowState.CERTIFICATE_UNSUPPORTED,
    Code.CARD_REMOVED: WindowState.CARD_REMOVED,
    Code.CARD_INTERRUPTED: WindowState.CARD_INTERRUPTED,
}


class Dialog:
    """`run` is called once, in a thread of its own."""

    def __init__(
        self,
        demand: Demand,
        nonce: str,
        *,
        person: Person,
        window: Window,
        readers: MeaningfulReaders,
        monitor: ReaderMonitor,
        clock: Clock,
    ) -> None:
        self._demand = demand
        self._digest_info = digest_info(value_to_sign(origin=demand.origin, nonce=nonce, purpose=demand.purpose))
        self._person = person
        self._window = window
        self._readers = readers
        self._monitor = monitor
        self._clock = clock
        self._shown: WindowState | None = None
        self._restarted = False
        self._wrong_code = False

    def run(self) -> SignedByCard:
        """Raises BridgeRefusal with the code for the page."""
        end_listening = self._monitor.listen(lambda _picture: self._person.something_changed())
        try:
            self._window.open(self._demand, self._person)
            signed = self._until_signed()
        except BridgeRefusal as refusal:
            if refusal.code in _LAST_VIEW:
                self._window.show(View(_LAST_VIEW[refusal.code]))
            if refusal.code is Code.USER_CANCELLED and self._wrong_code:
                raise BridgeRefusal(Code.PIN_WRONG) from refusal
            raise
        else:
            self._window.show(View(WindowState.DONE))
            return signed
        finally:
            end_listening()
            self._person.forget()
            self._window.close()

    def _until_signed(self) -> SignedByCard:
        while True:
            place, connection = self._person_brings_a_card()
            try:
                return self._with_card(place, connection)
            except CardInterrupted as fault:
                if self._restarted:
                    raise BridgeRefusal(Code.CARD_INTERRUPTED) from fault
                self._restarted = True
            except (ServiceStopped, CardMute):
                # The window says so and all begins again when the card answers; the next code is asked again too.
                self._person.wait_for_change()
            except (CardRemoved, NoCard, NoReader) as fault:
                raise BridgeRefusal(Code.CARD_REMOVED) from fault
            except CardInUse as fault:
                raise BridgeRefusal(Code.CARD_IN_USE) from fault
            except ProtocolMismatch as fault:
                raise BridgeRefusal(Code.CARD_UNSUPPORTED, "protocol") from fault

    def _with_card(self, place: CardInReader, connection: MeaningfulConnection) -> SignedByCard:
        session = CardSession(
            place,
            connection,
            readers=self._readers,
            picture=lambda: self._monitor.picture,
            person=self._person,
            window=self._window,
            now=self._clock.now(),
            interrupted=self._restarted,
        )
        try:
            return session.signature_of(self._digest_info)
        finally:
            self._wrong_code = session.wrong_code
            session.close()

    # Waiting.

    def _person_brings_a_card(self) -> tuple[CardInReader, MeaningfulConnection]:
        self._shown = None
        try:
            return self._person.wait_for(self._look_for_a_card())
        except BridgeRefusal as refusal:
            if refusal.code is Code.USER_TIMEOUT and self._shown is not None:
                raise BridgeRefusal(_AFTER_WAITING[self._shown]) from refusal
            raise

    def _look_for_a_card(self) -> Callable[[], tuple[CardInReader, MeaningfulConnection] | None]:
        stopped_since: float | None = None

        def look() -> tuple[CardInReader, MeaningfulConnection] | None:
            nonlocal stopped_since
            choice = choose(self._monitor.picture)
            if isinstance(choice, CardInReader):
                return self._connected(choice)
            if choice is not WindowState.SERVICE_STOPPED:
                stopped_since = None
            elif stopped_since is None:
                stopped_since = self._clock.now()
            elif self._clock.now() - stopped_since >= SERVICE_PATIENCE:
                raise BridgeRefusal(Code.SERVICE_UNAVAILABLE)
            self._show_waiting(choice)
            return None

        return look

    def _connected(self, place: CardInReader) -> tuple[CardInReader, MeaningfulConnection] | None:
        """None while it cannot be: the picture was late, or another program holds the card."""
        try:
            connection = self._readers.connect(place.reader)
            if self._readers.state(place.reader).event_count == place.event_count:
                return place, connection
            connection.close(reset=False)
        except CardInUse:
            self._show_waiting(WindowState.CARD_IN_USE)
        except CardMute:
            self._show_waiting(WindowState.CARD_MUTE)
        except (NoCard, NoReader, CardRemoved, CardInterrupted, ServiceStopped):
            pass
        return None

    def _show_waiting(self, state: WindowState) -> None:
        if state is not self._shown:
            self._shown = state
            self._window.show(View(state))
