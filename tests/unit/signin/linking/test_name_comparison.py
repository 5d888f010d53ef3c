"""Names as cards, Pro Santé Connect, directories and people spell them (LNK-07). Nobody here exists."""

import pytest

from gateway.signin.linking.name_comparison import compare_names

ALIKE = [
    # asserted family, asserted given, on file family, given
    ("LE GOFF-Martin", "Élodie", "le goff martin", "Elodie"),
    ("FONTAINE", "CLAIRE", "Fontaine", "Claire"),
    ("FRANÇOIS", "GAËLLE", "Francois", "Gaelle"),
    ("LEGOFF", "Yann", "Le Goff", "Yann"),
    ("D'ANGELO", "Zoé", "Dangelo", "Zoe"),
    ("D’ANGELO", "Zoé", "d'Angelo", "ZOÉ"),
    ("DE LA TOUR", "Aude", "Latour", "Aude"),
    ("DE LA TOUR", "Aude", "La Tour", "Aude"),
    ("VAN DER BERG", "Joost", "Berg", "Joost"),
    ("DUPONT", "Marie", "DUPONT-DURAND", "Marie"),
    ("DURAND", "Marie", "DUPONT-DURAND", "Marie"),
    ("DURAND ép. DUPONT", "Marie", "Durand", "Marie"),
    ("DURAND née PETIT", "Marie", "Petit Durand", "Marie"),
    ("DURAND DUPONT", "Marie", "DUPONT DURAND", "Marie"),
    ("LŒUFFER", "Noé", "LOEUFFER", "Noe"),
    ("STRAẞER", "Björn", "Strasser", "Bjorn"),
    ("NGUYỄN", "THỊ MAI", "Nguyen", "Thi Mai"),
    ("LE", "Van", "Lê", "Văn"),
    ("FONTAINE", "MARIE-CLAIRE", "Fontaine", "Marie Claire"),
    ("FONTAINE", "MARIECLAIRE", "Fontaine", "Marie-Claire"),
    ("FONTAINE", "Claire Anne Marie", "Fontaine", "Claire"),
    ("  FONTAINE ", "Claire\u00a0Anne", "Fontaine", "Claire"),
    ("FONTAINE", "Cle\u0301a", "Fontaine", "Cl\u00e9a"),
]
NOT_ALIKE = [
    ("LE GOFF-Martin", "Élodie", "Le Gall", "Elodie"),
    ("FONTAINE", "CLAIRE", "Fontaine", "Clara"),
    ("FONTAINE", "CLAIRE", "Fontanel", "Claire"),
    ("FONTAINE", "C.", "Fontaine", "Claire"),
    ("FONTAINE", "CLAIRE", "Claire", "Fontaine"),
    ("MARTIN", "Claire", "Martinez", "Claire"),
    ("DUPONT-DURAND", "Marie", "DUPONT-PETIT", "Marie"),
    ("LE GOFF", "Yann", "LE GALL", "Yann"),
    ("DE LA TOUR", "Aude", "DE LA ROCHE", "Aude"),
    ("LE", "Van", "LE GOFF", "Van"),
    ("FONTAINE", "", "Fontaine", "Claire"),
    ("", "", "", ""),
    ("-", "-", "-", "-"),
    ("FONTAINE", "Jean-Pierre", "Fontaine", "Jean-Paul"),
]


@pytest.mark.spec("LNK-07", "A9")
@pytest.mark.parametrize("names", ALIKE, ids=" ".join)
def test_one_name_in_two_spellings_is_one_name(names: tuple[str, str, str, str]) -> None:
    one = compare_names(asserted_family=names[0], asserted_given=names[1], family=names[2], given=names[3])
    other = compare_names(asserted_family=names[2], asserted_given=names[3], family=names[0], given=names[1])
    assert one.alike
    assert one == other


@pytest.mark.spec("LNK-07", "A9")
@pytest.mark.parametrize("names", NOT_ALIKE, ids=" ".join)
def test_another_name_is_another_name(names: tuple[str, str, str, str]) -> None:
    one = compare_names(asserted_family=names[0], asserted_given=names[1], family=names[2], given=names[3])
    other = compare_names(asserted_family=names[2], asserted_given=names[3], family=names[0], given=names[1])
    assert not one.alike
    assert one == other
