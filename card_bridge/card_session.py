"""With one card: read it, ask its code, sign (cps-card.md §1.5; BR-03…BR-08, BR-15).

The code is asked before the transaction. Inside it, in this order: same card, same tries, one VERIFY, signature, reset. A card
that left its reader meanwhile gets no code, even when a card is there again; nothing sends a code twice for one press.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from card_bridge.card.channel import Channel
from card_bridge.card.cps3 import Cps3, WrongCode
from card_bridge.card.holder_certificate import read_holder_certificate
from card_bridge.card_choice import CardInReader, is_still_there
from card_bridge.person import Person, wipe
from card_bridge.ports import CardInterrupted, CardRemoved, ReaderFault, ServiceStopped, View, Window, WindowState
from card_bridge.reader_faults import MeaningfulConnection, MeaningfulReaders
from card_bridge.reader_monitor import Picture
from card_bridge.refusals import BridgeRefusal, Code

T = TypeVar("T")


@dataclass(frozen=True)
class SignedByCard:
    certificate: bytes
    signature: bytes
    family: str
    interface: str
    card: CardInReader


class CardSession:
    """From the reading of a card to its signature; every way out resets the card (`close`)."""

    def __init__(
        self,
        place: CardInReader,
        connection: MeaningfulConnection,
        *,
        readers: MeaningfulReaders,
        picture: Callable[[], Picture],
        person: Person,
        window: Window,
        now: float,
        interrupted: bool,
    ) -> None:
        self._place = place
        self._connection = connection
        self._readers = readers
        self._picture = picture
        self._person = person
        self._window = window
        self._interrupted = interrupted
        self.wrong_code = False
        """The last code was refused by the card."""
        window.show(View(WindowState.READING, place.reader))
        try:
            driver = self._driver()
            driver.confirm()
            self._contents = driver.read()
            self._certificate = read_holder_certificate(self._contents.certificate_file, now=now)
            self._tries = self._contents.tries_left
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._connection.close(reset=True)

    def signature_of(self, digest_info: bytes) -> SignedByCard:
        """Asks the code as often as the person wants and the card allows. Raises BridgeRefusal or a ReaderFault."""
        while True:
            code = self._ask_code()
            self._window.show(self._view(WindowState.SIGNING))
            try:
                signature = self._in_transaction(code, digest_info)
            except WrongCode as wrong:
                self._tries, self.wrong_code = wrong.left, True
                self._interrupted = False
            else:
                if signature is not None:
                    return self._signed(signature)
            finally:
                wipe(code)

    # The person.

    def _ask_code(self) -> bytearray:
        """Four digits. With one try left, not before the person said yes; with none, never."""
        if self._tries == 0:
            raise BridgeRefusal(Code.PIN_BLOCKED)
        if self._tries == 1:
            self._ask(WindowState.CONFIRM_LAST_TRY, self._person.answer_confirmation)
        malformed = False
        while True:
            code = self._ask(WindowState.ASK_CODE, self._person.answer_code, malformed=malformed)
            if len(code) == 4 and all(0x30 <= digit <= 0x39 for digit in code):
                return code
            wipe(code)
            malformed = True

    def _ask(self, what: WindowState, answer: Callable[[], T | None], *, malformed: bool = False) -> T:
        self._person.ask(what)
        self._window.show(self._view(what, malformed=malformed))

        def found() -> T | None:
            self._refuse_if_it_left()
            return answer()

        return self._person.wait_for(found)

    def _refuse_if_it_left(self) -> None:
        picture = self._picture()
        if not picture.service or picture.generation != self._place.generation:
            # Its counters began again: nothing can be said of this card before it is read anew.
            raise ServiceStopped
        if not is_still_there(self._place, picture):
            raise CardRemoved

    # The card.

    def _in_transaction(self, code: bytearray, digest_info: bytes) -> bytes | None:
        """None when the number of tries moved since it was shown: the person decides again."""
        self._begin()
        try:
            if self._readers.state(self._place.reader).event_count != self._place.event_count:
                raise CardRemoved
            driver = self._driver()
            if driver.serial() != self._contents.serial:
                raise CardRemoved
            tries = driver.tries_left()
            if tries != self._tries:
                self._tries = tries
                return None
            driver.verify(code, self._contents.code_policy)
            return driver.sign(self._contents.key_reference, digest_info)
        finally:
            # A reset that fails is a card that left or a service that stopped: the card forgot the code by itself.
            with suppress(ReaderFault):
                self._connection.end(reset=True)

    def _begin(self) -> None:
        """Another program may have reset the card while the code was typed: the connection is then made again, once."""
        try:
            self._connection.begin()
        except CardInterrupted:
            self._connection.close(reset=False)
            self._connection = self._readers.connect(self._place.reader)
            self._connection.begin()

    def _driver(self) -> Cps3:
        return Cps3(Channel(self._connection.transmit, self._person.checkpoint))

    def _signed(self, signature: bytes) -> SignedByCard:
        if len(signature) != self._certificate.signature_length:
            raise BridgeRefusal(Code.CARD_UNSUPPORTED, "signature length")
        return SignedByCard(self._certificate.der, signature, Cps3.FAMILY, Cps3.INTERFACE, self._place)

    def _view(self, state: WindowState, *, malformed: bool = False) -> View:
        return View(
            state,
            self._place.reader,
            self._contents.label,
            self._certificate.holder,
            self._tries,
            wrong_code=self.wrong_code and not malformed,
            malformed_code=malformed,
            interrupted=self._interrupted,
        )
