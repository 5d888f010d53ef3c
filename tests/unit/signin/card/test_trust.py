"""What the gateway refuses to start with (SV-15), and what a card's environment may say."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.settings import ConfigurationError, Profile
from gateway.signin.card.environment import CardEnvironment, read_card_environment
from gateway.signin.card.trust import read_trust
from tests.unit.signin.card.cards import anchors_of, environment, igc

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both hierarchies' files, under their own names."""
    folder = tmp_path_factory.mktemp("anchors")
    igc(test=False).write(folder)
    igc().write(folder)
    return folder


def why_refused(folder: Path, declared: CardEnvironment) -> str:
    with pytest.raises(ConfigurationError) as error:
        read_trust(declared, folder)
    return str(error.value)


def anchor(file: str, **changed: Any) -> tuple[Any, ...]:
    """The anchors, with those of this file changed."""
    return tuple(one.model_copy(update=changed) if one.file == file else one for one in anchors_of(igc()))


@pytest.mark.spec("SV-15")
def test_the_pinned_authorities_are_what_their_certificates_say(folder: Path) -> None:
    trust = read_trust(environment(), folder)
    assert sorted(one.range for one in trust.issuing) == ["", "", "fort", "standard"]
    assert [one.anchor.file for one in trust.watched] == ["ACI-FO-PP-TEST.pem", "ACR-FO-TEST.pem"]


@pytest.mark.spec("SV-07")
def test_production_without_a_policy_is_said_at_start(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    read_trust(environment(igc(test=False), policy_oids=("1.2.250.1",)), folder)
    assert caplog.records == []
    read_trust(environment(igc(test=False)), folder)
    assert "policy_oids is empty" in caplog.text


@pytest.mark.spec("SV-15")
def test_a_missing_file_or_another_fingerprint_does_not_start(folder: Path, tmp_path: Path) -> None:
    assert "cannot be read" in why_refused(tmp_path, environment())
    other = environment(anchors=anchor("ACI-FO-PP-TEST.pem", sha256="0" * 64))
    assert "is not the pinned certificate" in why_refused(folder, other)
    (tmp_path / "ACR-FO-TEST.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    assert "not the certificate of an authority" in why_refused(tmp_path, environment())


@pytest.mark.spec("SV-15", "SV-04")
def test_a_test_authority_in_production_does_not_start_nor_the_contrary(folder: Path) -> None:
    assert "test hierarchy, in production" in why_refused(folder, environment(name="production"))
    assert "production authority in the environment" in why_refused(folder, environment(igc(test=False), name="test"))


@pytest.mark.spec("SV-15", "SV-09")
@pytest.mark.parametrize("file", ["ACI-FO-PP-TEST.pem", "ACR-FO-TEST.pem"])
def test_no_revocation_source_does_not_start(folder: Path, file: str) -> None:
    assert "no revocation list" in why_refused(folder, environment(anchors=anchor(file, crl=None)))


@pytest.mark.spec("SV-15", "SV-04")
def test_an_authority_without_its_pinned_root_or_a_card_as_authority_does_not_start(
    folder: Path, tmp_path: Path
) -> None:
    orphan = tuple(one for one in anchors_of(igc()) if one.file != "ACR-FO-TEST.pem")
    assert "no pinned root" in why_refused(folder, environment(anchors=orphan))
    igc().write(tmp_path)
    card = igc().professional().certificate
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding

    (tmp_path / "ACI-FO-PP-TEST.pem").write_bytes(card.public_bytes(Encoding.DER))
    pinned = environment(anchors=anchor("ACI-FO-PP-TEST.pem", sha256=card.fingerprint(hashes.SHA256()).hex()))
    assert "may not sign certificates" in why_refused(tmp_path, pinned)


@pytest.mark.spec("SV-04")
def test_a_label_cannot_make_a_cards_authority_out_of_another(folder: Path) -> None:
    without = tuple(one for one in anchors_of(igc()) if one.file != "ACI-FO-PP-TEST.pem")
    assert "no authority issues cards" in why_refused(folder, environment(anchors=without))
    with pytest.raises(ValueError, match="accepted_ranges"):
        environment(accepted_ranges=("elementaire",))
    with pytest.raises(ValueError, match="cards of employees"):
        environment(accepted_ranges=("fort", "standard"))


def written(tmp_path: Path, **said: Any) -> Path:
    file = tmp_path / "card.yaml"
    file.write_text(yaml.safe_dump(said))
    return file


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"bridge_ports": [80]}, "bridge_ports"),
        ({"bridge_ports": []}, "bridge_ports"),
        ({"limits": {"nonce_seconds": 121}}, "nonce_seconds"),
        ({"limits": {"nonce_renewed_seconds": 301}}, "nonce_renewed_seconds"),
        ({"anchors": [{"file": "../x", "sha256": "0" * 64, "role": "root"}]}, "anchors"),
        ({"anchors": [{"file": "x", "sha256": "0" * 64, "role": "root", "crl_url": "ldap://x/y"}]}, "crl_url"),
        ({"pin": "1234"}, "no such key"),
    ],
)
@pytest.mark.spec("BRG-07")
def test_a_value_out_of_its_bound_does_not_start(tmp_path: Path, said: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        read_card_environment(written(tmp_path, name="demo", **said), profile="demo", certificates=tmp_path)


@pytest.mark.spec("SV-15")
def test_the_demos_anchors_are_read_in_the_demo_and_nowhere_else(folder: Path) -> None:
    file = ROOT / "idp_config" / "card.yaml"
    declared = read_card_environment(file, profile="demo", certificates=folder)
    assert declared.name == "demo"
    assert len(read_trust(declared, folder).issuing) == 4
    profiles: tuple[Profile, ...] = ("standard", "regulated")
    for profile in profiles:
        with pytest.raises(ConfigurationError, match="demo profile"):
            read_card_environment(file, profile=profile, certificates=folder)
    production = ROOT / "idp_config" / "card-production.yaml"
    with pytest.raises(ConfigurationError, match="demo profile"):
        read_card_environment(production, profile="demo", certificates=folder)


@pytest.mark.spec("SV-15")
def test_the_production_file_pins_the_fingerprints_of_the_table(tmp_path: Path) -> None:
    declared = read_card_environment(
        ROOT / "idp_config" / "card-production.yaml", profile="standard", certificates=tmp_path
    )
    table = (ROOT / "certs" / "README.md").read_text("utf-8")
    assert declared.accepted_ranges == ("fort",)
    for one in declared.anchors:
        (row,) = [line for line in table.splitlines() if one.sha256 in line]
        assert f"| {one.subject.removeprefix('CN=')} |" in row
    assert "cannot be read" in why_refused(tmp_path, declared)
