"""The cards that lie beside the reader of « Le monde autour »: two that work, and one for each way a card can be of no use.

Each is made when it is first inserted (a key takes a tenth of a second), and then stays the same card: its tries are spent for
good. Their code porteur is 1234.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from sandbox.card.cps3 import VirtualCps3
from sandbox.card.igc_sante import LookAlikeIgc

CODE = "1234"
_LAST_YEAR = timedelta(days=400)
_YESTERDAY = timedelta(days=1)
_EMPLOYEE = 2
REVOKED_SERIAL = 0x5EED_0000_0000_0000_0000_0000_0000_0478
"""Of the stolen card's certificate: it stands in the list from the start, the card is made when it is inserted."""


@dataclass(frozen=True)
class DemoCard:
    """`label` and `why` are for people, in French."""

    key: str
    label: str
    why: str
    make: Callable[[LookAlikeIgc], VirtualCps3]


def card_number(serial: int) -> str:
    """Ten digits, the last one the Luhn key of the others."""
    digits = f"29{serial:07d}"
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 - place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return f"{digits}{-total % 10}"


def _cps(
    serial: int, rpps: str, family_name: str, given_name: str, *, tries: int = 3
) -> Callable[[LookAlikeIgc], VirtualCps3]:
    """An ordinary CPS: a certificate to authenticate and one to sign."""

    def make(igc: LookAlikeIgc) -> VirtualCps3:
        number = card_number(serial)
        holder = {"family_name": family_name, "given_name": given_name, "card_number": number, "profession": 60}
        both = [
            igc.professional(rpps, usage="authentication", **holder),  # type: ignore[arg-type]
            igc.professional(rpps, usage="signature", **holder),  # type: ignore[arg-type]
        ]
        return VirtualCps3(both, card_number=number, pin=CODE, tries=tries)

    return make


def _expired(igc: LookAlikeIgc) -> VirtualCps3:
    number = card_number(473)
    certificate = igc.professional(
        "99900000011",
        family_name="BENALI",
        given_name="NADIA",
        card_number=number,
        not_before=igc.now - _LAST_YEAR,
        not_after=igc.now - _YESTERDAY,
    )
    return VirtualCps3([certificate], card_number=number, pin=CODE)


def _revoked(igc: LookAlikeIgc) -> VirtualCps3:
    number = card_number(478)
    certificate = igc.professional(
        "99900000011", family_name="BENALI", given_name="NADIA", card_number=number, serial=REVOKED_SERIAL
    )
    return VirtualCps3([certificate], card_number=number, pin=CODE)


def _stranger(_: LookAlikeIgc) -> VirtualCps3:
    return _cps(474, "99900000011", "BENALI", "NADIA")(LookAlikeIgc(keys="inconnue"))


def _employee(igc: LookAlikeIgc) -> VirtualCps3:
    number = card_number(475)
    certificate = igc.professional(
        family_name="MOULIN",
        given_name="LEA",
        card_number=number,
        authority=igc.standard_personnes,
        card_type=_EMPLOYEE,
        profession=None,
        national_id="3990000010/0042",
        upn=None,
    )
    return VirtualCps3([certificate], card_number=number, pin=CODE)


def _signature_only(igc: LookAlikeIgc) -> VirtualCps3:
    number = card_number(476)
    return VirtualCps3([igc.professional("99900000011", card_number=number, usage="signature")], card_number=number)


CARDS: Mapping[str, DemoCard] = {
    card.key: card
    for card in (
        DemoCard("nadia", "CPS de Nadia Benali", "Une carte en règle.", _cps(471, "99900000011", "BENALI", "NADIA")),
        DemoCard(
            "hugo",
            "CPS de Hugo Lambert",
            "En règle, mais la passerelle ne connaît pas cette personne.",
            _cps(472, "99900000078", "LAMBERT", "HUGO"),
        ),
        DemoCard("jean", "CPS de Jean Petit", "Son compte est archivé.", _cps(477, "99900000045", "PETIT", "JEAN")),
        DemoCard(
            "claire",
            "CPS de Claire Morel",
            "Jamais activée : sa carte suffit à activer le compte.",
            _cps(481, "99900000037", "MOREL", "CLAIRE"),
        ),
        DemoCard("revoked", "CPS volée de Nadia", "Révoquée.", _revoked),
        DemoCard("expired", "Ancienne CPS de Nadia", "Périmée d’hier.", _expired),
        DemoCard("stranger", "CPS d’une autre autorité", "Son émetteur n’est pas reconnu.", _stranger),
        DemoCard("employee", "CPE de Léa Moulin", "Une carte de personnel, sans RPPS.", _employee),
        DemoCard(
            "signature", "Carte sans authentification", "Ne porte qu’un certificat de signature.", _signature_only
        ),
        DemoCard(
            "last-try",
            "CPS au dernier essai",
            "Un seul essai reste.",
            _cps(479, "99900000011", "BENALI", "NADIA", tries=1),
        ),
        DemoCard("blocked", "CPS bloquée", "Plus aucun essai.", _cps(480, "99900000011", "BENALI", "NADIA", tries=0)),
    )
}
