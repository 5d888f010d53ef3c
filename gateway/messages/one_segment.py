"""A text message that fits one segment of the GSM 7-bit default alphabet: 160 septets (3GPP TS 23.038; SMS-02).

Beyond one segment a code costs twice and may come in two parts; one character outside the alphabet leaves 70. What is ours is
written inside it already; the name of a service may not be: its letters lose their accents, and it is cut where it must be.
"""

import unicodedata

SEPTETS = 160
_ALPHABET = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""Without the extension table, whose characters cost two septets: none of them is needed."""
_WRITTEN = {
    "’": "'", "‘": "'", "“": '"', "”": '"', "«": '"', "»": '"', "–": "-", "—": "-", "\u2011": "-", "…": "...",
    "œ": "oe", "Œ": "OE", "\u00a0": " ", "\u202f": " ",
}  # fmt: skip


class TooLongError(ValueError):
    """What must be said does not fit, whatever the service is called."""


def plain(text: str) -> str:
    """`text` in the alphabet: accents that it lacks are dropped, what has no likeness goes."""
    return "".join(_likeness(character) for character in unicodedata.normalize("NFC", text))


def fitting(name: str, rest: int) -> str:
    """`name` beside `rest` septets of other text. Raises TooLongError when not even a letter of it fits."""
    written = " ".join(plain(name).split())
    room = SEPTETS - rest
    if room < 1 or not written:
        raise TooLongError("the message does not fit one segment")
    return written if len(written) <= room else written[: max(1, room - 1)].rstrip() + ("." if room > 1 else "")


def _likeness(character: str) -> str:
    if character in _ALPHABET:
        return character
    if character in _WRITTEN:
        return _WRITTEN[character]
    base = unicodedata.normalize("NFKD", character)
    return "".join(part for part in base if part in _ALPHABET)
