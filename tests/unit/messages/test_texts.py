"""What messages say, and never say."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gateway.cli.messages import sample
from gateway.messages.one_segment import TooLongError, fitting, plain
from gateway.messages.texts import LANGUAGES, TEXT_MESSAGES, Mail, Texts

ORIGIN = "https://passerelle.region.example"
SERVICE = {"fr": "Passerelle santé", "en": "Health gateway"}
TEXTS = Texts(service=SERVICE, origin=ORIGIN, contact="aide@region.example")
FOLDER = Path(__file__).parents[3] / "gateway" / "messages" / "texts"
MAILS = [(kind, language) for kind in Texts.kinds() if kind not in TEXT_MESSAGES for language in LANGUAGES]
EACH_MAIL = pytest.mark.parametrize(("kind", "language"), MAILS, ids=[f"{kind}-{language}" for kind, language in MAILS])


def mail(kind: str, language: str) -> Mail:
    made = sample(TEXTS, kind, language, ORIGIN)
    assert isinstance(made, Mail)
    return made


# The GSM 7-bit default alphabet, row by row of the table in 3GPP TS 23.038 §6.2.1, and its extension table §6.2.1.1.
GSM_ROWS = (
    "@£$¥èéùìòÇ\nØø\rÅå", "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ", " !\"#¤%&'()*+,-./", "0123456789:;<=>?",
    "¡ABCDEFGHIJKLMNO", "PQRSTUVWXYZÄÖÑÜ§", "¿abcdefghijklmno", "pqrstuvwxyzäöñüà",
)  # fmt: skip
GSM = {
    character: row * 16 + place for row, characters in enumerate(GSM_ROWS) for place, character in enumerate(characters)
}
EXTENDED = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}


def septets(text: str) -> list[int]:
    """`text` as its septets; KeyError for what the alphabet does not have (it would be sent as UCS-2, 70 to a segment)."""
    encoded: list[int] = []
    for character in text:
        encoded += [0x1B, EXTENDED[character]] if character in EXTENDED else [GSM[character]]
    return encoded


def test_the_encoder_of_these_tests_is_the_table_of_the_specification() -> None:
    assert len(GSM) == 128
    assert (GSM["@"], GSM["A"], GSM["a"], GSM["à"], GSM["É"]) == (0x00, 0x41, 0x61, 0x7F, 0x1F)
    assert septets("€é") == [0x1B, 0x65, 0x05]
    assert septets(plain("".join(GSM).replace("\x1b", ""))) == [code for code in range(128) if code != 0x1B]


NAMES = {
    "shipped": "Passerelle",
    "accents": "Île-de-France – Réseau « Cœur & Âge » à l’hôpital",
    "endless": "Plateforme régionale d’orientation et de coordination des parcours de santé et d’autonomie " * 3,
    "extension": "[Santé] {Ouest} ~ €",
    "elsewhere": "健康 Здоровье Santé 🏥",
}


@pytest.mark.spec("SMS-02", "SMS-01")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_a_code_by_sms_is_one_segment_of_the_gsm_alphabet_whatever_the_service_is_called(
    name: str, language: str
) -> None:
    texts = Texts(service={"fr": NAMES[name], "en": NAMES[name]}, origin=ORIGIN, contact="x@y.example")
    for minutes in (1, 10):
        text = texts.code_sms(language, "01234567", minutes)
        assert len(septets(text)) <= 160
        assert "://" not in text
        assert origin_bound(text) == ("passerelle.region.example", "01234567")


@pytest.mark.spec("SMS-02")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_whoever_has_a_former_number_is_told_in_one_segment_without_a_link_or_a_code(name: str, language: str) -> None:
    text = Texts(service={"fr": NAMES[name], "en": NAMES[name]}, origin=ORIGIN, contact="x@y.example").number_left_sms(
        language
    )
    assert len(septets(text)) <= 160
    assert not re.search(r"://|www\.|@|#|\d", text)


def test_a_name_that_fits_is_whole() -> None:
    assert TEXTS.code_sms("fr", "012345", 5) == (
        "Passerelle santé : code 012345, valable 5 min. Ne le communiquez à personne.\n\n@passerelle.region.example #012345"
    )
    assert fitting("Cœur", 156) == "Coeur"[:3] + "."
    with pytest.raises(TooLongError):
        Texts(service={"fr": "x"}, origin=f"https://{'a' * 60}.{'b' * 60}.example", contact="").code_sms(
            "fr", "1" * 8, 5
        )


def origin_bound(message: str) -> tuple[str, str] | None:
    """The host and the code that a browser reads, after "Origin-bound one-time codes delivered via SMS" (WICG): in the last
    line, `@host`, one space, `#code`, and maybe more fields that nobody knows."""
    last = message.rsplit("\n", maxsplit=1)[-1]
    if not last.startswith("@") or " " not in last:
        return None
    host, first, *_ = last[1:].split(" ")
    if not host or not first.startswith("#") or len(first) < 2:
        return None
    return host, first[1:]


@pytest.mark.spec("SMS-01", "AC-029")
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_last_line_binds_the_code_to_our_host_and_to_no_other(language: str) -> None:
    texts = Texts(service=SERVICE, origin="https://Passerelle.Region.example:8443", contact="")
    text = texts.code_sms(language, "042137", 5)
    assert text.split("\n")[-1] == "@passerelle.region.example #042137"
    assert text.count("@") == 1
    assert len(text.split("\n")[0]) > 20  # the explanation is above
    assert "042137" in text.split("\n")[0]


@pytest.mark.spec("SMS-01")
@pytest.mark.parametrize("origin", ["https://192.0.2.7", "https://[2001:db8::7]:8443"])
def test_no_code_is_bound_to_an_address(origin: str) -> None:
    text = Texts(service=SERVICE, origin=origin, contact="").code_sms("fr", "042137", 5)
    assert origin_bound(text) is None
    assert "@" not in text


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self._hidden = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self._hidden = tag in {"title", "style"}

    def handle_data(self, data: str) -> None:
        if data.strip() and not self._hidden:
            self.text.append(" ".join(data.split()))
        self._hidden = False


@pytest.mark.spec("MAIL-01")
@EACH_MAIL
def test_a_mail_has_a_subject_without_code_and_two_parts_that_say_the_same(kind: str, language: str) -> None:
    made = mail(kind, language)
    assert made.subject.startswith(SERVICE[language])
    assert not re.search(r"\d{4}", made.subject)
    page = _Elements()
    page.feed(made.html)
    assert [" ".join(part.split()) for part in made.text.strip().split("\n\n")] == page.text
    assert page.tags <= {"html", "head", "meta", "title", "body", "div", "p", "a"}
    addresses = [value for name, value in page.attributes if name in {"src", "href", "background", "srcset", "action"}]
    assert all(re.search(rf"^{re.escape(value)}$", made.text, re.MULTILINE) for value in addresses)
    assert "url(" not in made.html


@pytest.mark.spec("MAIL-03")
@EACH_MAIL
def test_every_address_in_a_mail_begins_with_the_configured_origin(kind: str, language: str) -> None:
    made = mail(kind, language)
    found = re.findall(r"https?://[^\s\"<>)]+", made.text + made.html)
    assert all(address.startswith(f"{ORIGIN}/") for address in found)
    assert "http://" not in made.text + made.html


@pytest.mark.spec("OTP-15", "AC-030")
@EACH_MAIL
def test_every_message_names_the_service_and_nobody(kind: str, language: str) -> None:
    """The templates know no name, RPPS, structure or address: a variable that is none of these cannot be rendered at all."""
    made = mail(kind, language)
    assert SERVICE[language] in made.text
    source = (FOLDER / f"{kind}.{language}.txt").read_text("utf-8")
    known = {"service", "origin", "contact", "code", "link", "minutes", "hours", "percent", "budget", "scope"}
    known |= {"device", "reported"}  # of words that we made, from closed lists
    if kind == "notice_welcome":
        known |= {"identifier"}  # to its holder, where nothing secret is (R001-03)
        assert not re.search(r"{{\s*(code|link|origin)", source)
    assert set(re.findall(r"{{\s*(\w+)", source)) <= known
    words = ("rpps", "patient", "structure", "ip address", "adresse ip", "finess", "{%- set", "pixel")
    assert not [word for word in words if word in source.lower()]


SAID = {
    "fr": ("ne le communiquez à personne", "minutes"),
    "en": ("do not give it to anyone", "minutes"),
}


@pytest.mark.spec("OTP-15", "AC-030")
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_code_comes_with_its_validity_and_a_warning_and_without_any_link(language: str) -> None:
    code, sms = mail("code", language), TEXTS.code_sms(language, "042137", 5)
    for said in SAID[language]:
        assert said in code.text.lower()
    assert SAID[language][0] in sms.lower()
    assert " 5 min" in sms
    assert "12345678" in code.text
    assert not re.search(r"https?:|www\.|href|<img|src=", code.text + code.html + sms)


@pytest.mark.spec("OTP-15")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", [kind for kind in Texts.kinds() if kind.startswith("link_")])
def test_a_link_comes_with_its_validity(kind: str, language: str) -> None:
    assert "24 h" in mail(kind, language).text


def test_every_message_is_written_in_both_languages() -> None:
    written = {file.name for file in FOLDER.glob("*.txt")}
    assert written == {f"{kind}.{language}.txt" for kind in Texts.kinds() for language in LANGUAGES}


def test_every_notice_that_the_code_orders_has_its_text() -> None:
    gateway = Path(__file__).parents[3] / "gateway"
    ordered = set()
    for file in gateway.rglob("*.py"):
        ordered |= set(re.findall(r'"what": "(\w+)"', file.read_text("utf-8")))
    texts = {kind.partition("_")[2] for kind in Texts.kinds() if kind.startswith(("notice_", "alert_"))}
    assert ordered <= texts
