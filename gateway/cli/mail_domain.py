"""Whether the domain that our mails come from says who may send for it: SPF, DKIM and DMARC (MAIL-02).

Looked up only when `passerelle doctor --online` asks. A record that cannot be looked up is said so, never taken for a good one.
"""

import re
from collections.abc import Iterator
from typing import Protocol

import dns.exception
import dns.resolver

_SECONDS = 5.0


class TextRecords(Protocol):
    def texts(self, name: str) -> list[str]:
        """The TXT records of `name`; none when it has none. Raises OSError when nobody answers."""
        ...


class PublicDns:
    """The resolver of this machine."""

    def texts(self, name: str) -> list[str]:
        try:
            answer = dns.resolver.resolve(name, "TXT", lifetime=_SECONDS)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.exception.DNSException as error:
            raise OSError(type(error).__name__) from None
        return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]


def look_at(domain: str, selector: str | None, records: TextRecords) -> Iterator[tuple[str, str, str]]:
    """(subject, state, advice) of each; an empty advice when it is well. `selector`: of the DKIM key that signs for us."""
    yield ("SPF", *_spf(domain, records))
    yield ("DKIM", *_dkim(domain, selector, records))
    yield ("DMARC", *_dmarc(domain, records))


def _spf(domain: str, records: TextRecords) -> tuple[str, str]:
    try:
        found = [
            text for text in records.texts(domain) if text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")
        ]
    except OSError as error:
        return _unknown(domain, error)
    if len(found) != 1:
        return (
            f"{len(found)} record(s) at {domain}",
            "Publish one TXT record `v=spf1 … -all` that names your mail server.",
        )
    last = found[0].split()[-1].lower()
    if last in {"-all", "~all"} or last.startswith("redirect="):
        return f"{domain}: {last}", ""
    return f"{domain}: ends with {last}", "End it with `-all`: otherwise anybody may send in your name."


def _dkim(domain: str, selector: str | None, records: TextRecords) -> tuple[str, str]:
    if selector is None:
        return (
            "not asked",
            "Name the selector of the key that signs your mails: `passerelle doctor --online --dkim SELECTOR`.",
        )
    name = f"{selector}._domainkey.{domain}"
    try:
        found = records.texts(name)
    except OSError as error:
        return _unknown(name, error)
    keys = [tags["p"] for tags in map(_tags, found) if tags.get("p")]
    if len(keys) != 1:
        return (
            f"{len(keys)} usable key(s) at {name}",
            "Publish there the public key of your mail server, and nothing else.",
        )
    return f"{name}: a key of {len(keys[0])} characters", ""


def _dmarc(domain: str, records: TextRecords) -> tuple[str, str]:
    """At the domain itself, else at what may be its organisation: a name is cut from the left, as far as two labels."""
    labels = domain.split(".")
    for start in range(max(1, len(labels) - 1)):
        asked = ".".join(labels[start:])
        try:
            found = [_tags(text) for text in records.texts(f"_dmarc.{asked}") if re.match(r"v\s*=\s*DMARC1\b", text)]
        except OSError as error:
            return _unknown(f"_dmarc.{asked}", error)
        if len(found) > 1:
            return f"{len(found)} records at _dmarc.{asked}", "Keep one."
        if found:
            policy = found[0].get("p" if start == 0 else "sp", found[0].get("p", "none")).lower()
            share = found[0].get("pct", "100")
            if policy == "reject" and share == "100":
                return f"_dmarc.{asked}: reject", ""
            return f"_dmarc.{asked}: {policy} for {share} %", "Say `p=reject`, of all mails, once SPF and DKIM hold."
    return f"no record at _dmarc.{domain}", "Publish `v=DMARC1; p=reject; rua=mailto:…` there."


def _tags(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip().lower(): "".join(value.split()) for name, _, value in pairs if name.strip()}


def _unknown(name: str, error: OSError) -> tuple[str, str]:
    return (
        f"{name} could not be looked up ({error})",
        "May this machine ask a DNS resolver? Try again, or look from another.",
    )
