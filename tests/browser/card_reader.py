"""The gestures of somebody with a card: the reader and the pin pad of « Le monde autour », the card step in the browser."""

from dataclasses import dataclass
from threading import Event
from typing import Any

import requests

from tests.browser.visit import Visit

CODE, WRONG = "1234", "9999"
BETWEEN_WINDOWS = 21
"""Seconds of the shared clock: the bridge opens three windows a minute, whoever asks."""


@dataclass(frozen=True)
class CardDesk:
    visit: Visit

    # The workstation.

    def does(self, **gesture: str | bool) -> dict[str, Any]:
        """One gesture at the reader or its pad: insert, remove, renew, code, confirm, cancel. What is shown afterwards."""
        answer = requests.post(f"{self.visit.demo.world}/api/card", json=gesture, timeout=5)
        answer.raise_for_status()
        shown: dict[str, Any] = answer.json()
        return shown

    def shows(self, state: str, **facts: object) -> dict[str, Any]:
        """What the pad shows, once it is open in this state."""
        wanted = {"open": True, "state": state} | facts
        shown: dict[str, Any] = {}
        for _ in range(400):
            shown = requests.get(f"{self.visit.demo.world}/api/card", timeout=5).json()
            if wanted.items() <= shown.items():
                return shown
            Event().wait(0.02)
        raise AssertionError(f"{wanted} is not shown; {shown}")

    @property
    def is_open(self) -> bool:
        return bool(requests.get(f"{self.visit.demo.world}/api/card", timeout=5).json()["open"])

    # The page.

    def step(self) -> None:
        """From the choice of a means to the card's page."""
        self.visit.browser.click("Carte CPS")
        self.visit.browser.wait_for("Une fenêtre s'ouvre en dehors du navigateur")

    def ask(self) -> None:
        """Presses the page's button; another window is due on the workstation."""
        self.visit.demo.advance(BETWEEN_WINDOWS)
        again = "Réessayer avec la carte"
        self.visit.browser.click(again if again in self.visit.browser.text() else "Se connecter par carte CPS")

    def type_code(self, code: str = CODE) -> None:
        self.shows("ask_code")
        self.does(code=code)

    def prove(self, card: str) -> None:
        """From the choice of a means: this card, its code, and onward."""
        self.step()
        self.does(insert=card)
        self.ask()
        self.type_code()

    def said(self, text: str) -> str:
        """The whole page, once its failure says so; the other means are on it."""
        self.visit.browser.wait_for(text)
        page = self.visit.browser.text()
        assert "S'identifier avec Pro Santé Connect" in page
        return page
