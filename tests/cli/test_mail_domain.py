"""What the doctor says of the domain of our mails, from a resolver that answers what it is told to."""

import pytest

from gateway.cli import doctor as doctor_module
from gateway.cli.mail_domain import look_at
from tests.cli.deployment import Deployment

DOMAIN = "mail.region.example"
WELL = {
    DOMAIN: ["v=spf1 ip4:192.0.2.1 -all", "other=thing"],
    f"s1._domainkey.{DOMAIN}": ["v=DKIM1; k=rsa; p=MIIB IjAN"],
    f"_dmarc.{DOMAIN}": ["v=DMARC1; p=reject; rua=mailto:d@region.example"],
}


class Records:
    def __init__(self, known: dict[str, list[str]], *, silent: bool = False) -> None:
        self.known, self.silent, self.asked = known, silent, list[str]()

    def texts(self, name: str) -> list[str]:
        self.asked.append(name)
        if self.silent:
            raise OSError("Timeout")
        return self.known.get(name, [])


def advice(known: dict[str, list[str]], selector: str | None = "s1") -> set[str]:
    return {subject for subject, _, said in look_at(DOMAIN, selector, Records(known)) if said}


CASES = {
    "well": ({}, set()),
    "organisation": ({f"_dmarc.{DOMAIN}": [], "_dmarc.region.example": ["v=DMARC1;p=reject"]}, set()),
    "organisation-sub": ({f"_dmarc.{DOMAIN}": [], "_dmarc.region.example": ["v=DMARC1; p=reject; sp=none"]}, {"DMARC"}),
    "no-dmarc": ({f"_dmarc.{DOMAIN}": []}, {"DMARC"}),
    "quarantine": ({f"_dmarc.{DOMAIN}": ["v=DMARC1; p=quarantine"]}, {"DMARC"}),
    "half": ({f"_dmarc.{DOMAIN}": ["v=DMARC1; p=reject; pct=50"]}, {"DMARC"}),
    "two-dmarc": ({f"_dmarc.{DOMAIN}": ["v=DMARC1; p=reject"] * 2}, {"DMARC"}),
    "no-spf": ({DOMAIN: []}, {"SPF"}),
    "two-spf": ({DOMAIN: ["v=spf1 -all", "v=spf1 mx -all"]}, {"SPF"}),
    "open-spf": ({DOMAIN: ["v=spf1 +all"]}, {"SPF"}),
    "another-spf": ({DOMAIN: ["v=spf10 -all"]}, {"SPF"}),
    "revoked-key": ({f"s1._domainkey.{DOMAIN}": ["v=DKIM1; p="]}, {"DKIM"}),
    "no-key": ({f"s1._domainkey.{DOMAIN}": []}, {"DKIM"}),
}


@pytest.mark.spec("MAIL-02")
@pytest.mark.parametrize("name", CASES)
def test_a_domain_that_others_could_send_for_is_found(name: str) -> None:
    changes, subjects = CASES[name]
    assert advice(WELL | changes) == subjects


@pytest.mark.spec("MAIL-02")
def test_what_could_not_be_looked_up_is_never_well() -> None:
    assert all(said for _, _, said in look_at(DOMAIN, "s1", Records({}, silent=True)))
    assert advice(WELL, selector=None) == {"DKIM"}


def test_the_doctor_asks_the_dns_only_when_it_is_told_to(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = Records({})
    monkeypatch.setattr(doctor_module, "PublicDns", lambda: records)
    deployment.run("doctor", "--json")
    assert records.asked == []
    found = {item["subject"] for item in deployment.run("doctor", "--json", "--online").document["findings"]}
    assert {"SPF", "DKIM", "DMARC"} <= found
    assert "demo.passerelle.test" in records.asked
