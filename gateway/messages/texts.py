"""What messages say (OTP-15, MAIL-01, SMS-01, SMS-02).

A message names the service, the code or the link, how long it is valid, and that it is nobody else's business; never a name, an
RPPS, a structure or an address. The welcome alone names the identifier, without code or link (R001-03). A subject never carries
a code. Links are built from the configured origin alone (MAIL-03).
"""

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import jinja2

from gateway.messages.one_segment import fitting, plain

LANGUAGES = ("fr", "en")
CODE_SMS = "code_sms"
NUMBER_LEFT_SMS = "number_left_sms"
TEXT_MESSAGES = (CODE_SMS, NUMBER_LEFT_SMS)

_TEXTS = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "texts"),
    undefined=jinja2.StrictUndefined,
    autoescape=jinja2.select_autoescape(["html"]),
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=False,
)


@dataclass(frozen=True, slots=True)
class Mail:
    subject: str
    text: str
    html: str


class Texts:
    """The messages of one deployment: `service` is its name by language, `origin` its public address."""

    def __init__(self, *, service: Mapping[str, str], origin: str, contact: str) -> None:
        self._service = service
        self._origin = origin
        self._contact = contact

    def mail(self, kind: str, language: str, **values: str | int) -> Mail:
        """The mail `kind` (a template's name) in `language`, French when it is not spoken here."""
        spoken = language if language in LANGUAGES else "fr"
        template = _TEXTS.get_template(f"{kind}.{spoken}.txt")
        facts = {
            "service": self._service.get(spoken, self._service["fr"]),
            "origin": self._origin,
            "contact": self._contact,
            **values,
        }
        subject, _, text = template.render(facts).partition("\n")
        paragraphs = [part for part in text.strip().split("\n\n") if part]
        html = _TEXTS.get_template("mail.html").render(
            subject=subject, paragraphs=paragraphs, language=spoken, code=values.get("code"), link=values.get("link")
        )
        return Mail(subject=subject.strip(), text=text.strip() + "\n", html=html)

    def code_sms(self, language: str, code: str, minutes: int) -> str:
        """One GSM-7 segment whose last line binds the code to this origin, as browsers read it. A name too long for the segment
        is cut. Raises TooLongError when the host leaves no room."""
        spoken = language if language in LANGUAGES else "fr"
        template = _TEXTS.get_template(f"{CODE_SMS}.{spoken}.txt")
        host = urlsplit(self._origin).hostname or ""
        bound = "" if _is_address(host) else f"\n\n@{host} #{code}"

        def written(name: str) -> str:
            return plain(template.render(service=name, code=code, minutes=minutes).strip()) + bound

        return self._segment(written, spoken)

    def number_left_sms(self, language: str) -> str:
        """One GSM-7 segment for whoever has a number that an account has left; without any link (OTP-16)."""
        spoken = language if language in LANGUAGES else "fr"
        template = _TEXTS.get_template(f"{NUMBER_LEFT_SMS}.{spoken}.txt")
        return self._segment(lambda name: plain(template.render(service=name).strip()), spoken)

    def _segment(self, written: Callable[[str], str], language: str) -> str:
        return written(fitting(self._service.get(language, self._service["fr"]), len(written("x")) - 1))

    @staticmethod
    def kinds() -> Sequence[str]:
        """The names of every message there is."""
        found = {Path(name).name.split(".")[0] for name in _TEXTS.list_templates(extensions=["txt"])}
        return sorted(found)


def _is_address(host: str) -> bool:
    """Browsers bind a code to a name, never to an address: then the line is left out (SMS-01)."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
