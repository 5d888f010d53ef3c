"""`passerelle messages preview`: every message as its receiver would read it, with sample values. Nothing is sent."""

from pathlib import Path

import click

from gateway.accounts.one_time_link import LinkPurpose
from gateway.cli.command_line import Invocation
from gateway.cli.output import CommandRefused
from gateway.messages.texts import CODE_SMS, LANGUAGES, NUMBER_LEFT_SMS, TEXT_MESSAGES, Mail, Texts
from gateway.settings import read_settings
from gateway.tenant import read_tenant

_SAMPLE_LINK = "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCd4"
_SAMPLES: dict[str, str | int] = {
    "code": "12345678", "minutes": 10, "hours": 24, "percent": 80, "budget": 1_000, "scope": "FR",
    "device": "Firefox · Windows", "reported": "code", "identifier": "c.fontaine",
}  # fmt: skip


@click.group()
def messages() -> None:
    """What mails and text messages say."""


@messages.command()
@click.argument("name", required=False)
@click.option("--language", type=click.Choice(LANGUAGES), default="fr", show_default=True, help="Of the texts.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Writes the HTML part of one mail there.")
@click.pass_obj
def preview(invocation: Invocation, name: str | None, language: str, html: Path | None) -> None:
    """Prints one message, or all of them, with sample values. Nothing is sent."""
    settings = read_settings(invocation.config)
    tenant = read_tenant(settings.idp_config / "tenant.yaml")
    texts = Texts(service=tenant.name, origin=settings.issuer, contact=tenant.contact_email)
    if name is not None and name not in texts.kinds():
        raise CommandRefused(f"There is no message {name}. There are: {', '.join(texts.kinds())}.")
    if html is not None and (name is None or name in TEXT_MESSAGES):
        raise CommandRefused(
            "Name the mail whose HTML part is wanted: `passerelle messages preview code --html code.html`."
        )
    shown = [_shown(texts, kind, language, settings.issuer) for kind in ([name] if name else texts.kinds())]
    if html is not None:
        html.write_text(str(shown[0]["html"]), "utf-8")
    if invocation.output.as_json:
        invocation.output.say("", messages=shown)
        return
    for one in shown:
        heading = f"── {one['name']} ({one['channel']}) ──"
        subject = f"Subject: {one['subject']}\n\n" if one["subject"] else ""
        invocation.output.say(f"{heading}\n{subject}{one['text']}\n")


def sample(texts: Texts, kind: str, language: str, origin: str) -> Mail | str:
    """The message with sample values: a mail, or the text of an SMS."""
    if kind == CODE_SMS:
        return texts.code_sms(language, "123456", 5)
    if kind == NUMBER_LEFT_SMS:
        return texts.number_left_sms(language)
    purposes = [purpose.value for purpose in LinkPurpose if kind == f"link_{purpose.value}"]
    link = {"link": f"{origin}/{purposes[0]}/{_SAMPLE_LINK}"} if purposes else {}
    return texts.mail(kind, language, **_samples_for(kind), **link)


def _samples_for(kind: str) -> dict[str, str | int]:
    """A mail shows as a code only what it was given as one."""
    return {key: value for key, value in _SAMPLES.items() if key != "code" or "code" in kind}


def _shown(texts: Texts, kind: str, language: str, origin: str) -> dict[str, str]:
    made = sample(texts, kind, language, origin)
    if isinstance(made, str):
        return {"name": kind, "channel": "sms", "subject": "", "text": made, "html": ""}
    return {"name": kind, "channel": "mail", "subject": made.subject, "text": made.text, "html": made.html}
