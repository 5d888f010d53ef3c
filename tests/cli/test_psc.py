"""`passerelle config check` and `doctor` with Pro Santé Connect switched on, before the real simulator."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.clock import WorldClock
from sandbox.psc import Lie, PscOptions, RunningPsc, running_psc
from tests.cli.deployment import ISSUER, Deployment, Ran
from tests.running_demo import free_port

SECRET = "a-secret-of-this-test-0123456789"
SUBJECT, OF_SECRET = "Pro Santé Connect", "Pro Santé Connect secret"


@pytest.fixture(scope="module")
def psc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPsc]:
    secret = tmp_path_factory.mktemp("psc") / "secret"
    secret.write_text(SECRET, "utf-8")
    callback, left = f"{ISSUER}/signin/psc/callback", f"{ISSUER}/signin/psc/logged-out"
    options = PscOptions("passerelle-demo", secret, redirect_uris=(callback,), post_logout_redirect_uris=(left,))
    with running_psc(options, clock=WorldClock(None)) as running:
        yield running
        running.be_honest()


@pytest.fixture(autouse=True)
def honest(psc: RunningPsc) -> Iterator[None]:
    psc.be_honest()
    yield
    psc.be_honest()


def switch_on(deployment: Deployment, psc: RunningPsc, *, secret: str | None = SECRET, **declared: Any) -> None:
    base = f"{psc.issuer}/protocol/openid-connect"
    written = {
        "name": "simulator",
        "issuer": psc.issuer,
        "authorization_endpoint": f"{psc.wallet_url}/auth",
        "token_endpoint": f"{base}/token",
        "userinfo_endpoint": f"{base}/userinfo",
        "jwks_uri": f"{base}/certs",
        "end_session_endpoint": f"{base}/logout",
        "metadata_address": psc.discovery_url,
        "iss_parameter": True,
        "client_id": "passerelle-demo",
        "redirect_uri": f"{ISSUER}/signin/psc/callback",
        "post_logout_redirect_uris": [f"{ISSUER}/signin/psc/logged-out"],
        "limits": {"connect_seconds": 1, "answer_seconds": 1},
        **declared,
    }
    kept = {key: value for key, value in written.items() if value is not None}
    (deployment.folder / "idp_config" / "psc.yaml").write_text(yaml.safe_dump(kept), "utf-8")
    if secret is not None:
        (deployment.folder / "psc.secret").write_text(secret, "utf-8")
    deployment.settings(means=["psc", "password"], psc={"client_secret_file": "psc.secret"})


def found(deployment: Deployment) -> dict[str, dict[str, str]]:
    """What doctor says of Pro Santé Connect, by subject."""
    ran = deployment.run("doctor", "--json")
    assert SECRET not in ran.out + ran.err
    return {item["subject"]: item for item in ran.document["findings"] if item["subject"].startswith(SUBJECT)}


def test_all_is_well(deployment, psc):
    switch_on(deployment, psc)
    said = found(deployment)
    assert said[SUBJECT]["state"] == "simulator answers, 1 key(s), described as in psc.yaml"
    assert said[OF_SECRET]["state"] == "client passerelle-demo: accepted"
    assert not said[SUBJECT]["advice"] and not said[OF_SECRET]["advice"]
    assert deployment.json("config", "check")["warnings"] == []


def test_a_deployment_without_it_says_nothing_of_it(deployment):
    assert found(deployment) == {}


@pytest.mark.spec("PSC-02")
@pytest.mark.parametrize("lie", [lie for lie in Lie if lie.startswith("discovery_")])
def test_a_provider_that_describes_itself_otherwise_is_found(deployment, psc, lie):
    switch_on(deployment, psc)
    psc.lie = lie
    assert found(deployment)[SUBJECT]["advice"]


@pytest.mark.spec("PSC-02", "PSC-R1")
def test_the_pinned_address_that_differs_is_named(deployment, psc):
    switch_on(deployment, psc, authorization_endpoint=f"{psc.wallet_url}/auth2", iss_parameter=False)
    said = found(deployment)[SUBJECT]
    assert "authorization_endpoint, authorization_response_iss_parameter_supported" in said["state"]
    assert "agency" in said["advice"]


def test_without_an_address_to_compare_with_its_keys_are_looked_at(deployment, psc):
    switch_on(deployment, psc, metadata_address=None)
    said = found(deployment)
    assert "names no metadata_address" in said[SUBJECT]["state"]
    assert not said[SUBJECT]["advice"]
    psc.lie = Lie.JWKS_EMPTY
    assert "jwks_uri" in found(deployment)[SUBJECT]["advice"]


@pytest.mark.parametrize("lie", [Lie.JWKS_500, Lie.JWKS_SLOW, Lie.JWKS_HUGE, Lie.JWKS_REDIRECTED, Lie.JWKS_HTML])
def test_a_provider_that_does_not_answer_as_it_should_is_found(deployment, psc, lie):
    switch_on(deployment, psc)
    psc.lie = lie
    said = found(deployment)
    assert said[SUBJECT]["advice"]
    assert "could not be asked" in said[OF_SECRET]["state"]


def test_nobody_who_listens_is_found(deployment, psc):
    realm = f"http://127.0.0.3:{free_port('127.0.0.3')}/auth/realms/esante-wallet"
    base = f"{realm}/protocol/openid-connect"
    addresses = {"token_endpoint": "token", "userinfo_endpoint": "userinfo", "jwks_uri": "certs"}
    metadata = f"{realm}/.well-known/x"
    here = {key: f"{base}/{end}" for key, end in addresses.items()}
    switch_on(deployment, psc, issuer=realm, metadata_address=metadata, **here)
    said = found(deployment)[SUBJECT]
    assert "does not answer" in said["state"]
    assert "other means" in said["advice"]


@pytest.mark.parametrize(
    ("secret", "sentence"),
    [
        ("", "write the secret alone"),
        ("two words of it", "write the secret alone"),
        ("\ufeffsecret-with-a-mark", "characters that no secret has"),
        ("short", "8 to 256 characters"),
        ("with/slashes+and=more", "client_secret_post"),
    ],
)
def test_a_secret_that_cannot_serve_is_found_and_not_shown(deployment, psc, secret, sentence):
    switch_on(deployment, psc, secret=secret)
    assert sentence in found(deployment)[OF_SECRET]["state"]
    for ran in (deployment.run("config", "check"), deployment.run("doctor")):
        assert ran.code == 1
        assert not secret or secret not in ran.out + ran.err


def test_a_missing_secret_is_found(deployment, psc):
    switch_on(deployment, psc, secret=None)
    assert "cannot be read" in found(deployment)[OF_SECRET]["state"]
    ran: Ran = deployment.run("config", "check")
    assert (ran.code, "psc.secret" in ran.err) == (1, True)


@pytest.mark.parametrize("changed", [{"secret": "another-secret-9876543210"}, {"client_id": "somebody-else"}])
def test_a_secret_that_it_does_not_accept_is_found(deployment, psc, changed):
    switch_on(deployment, psc, **changed)
    said = found(deployment)[OF_SECRET]
    assert said["state"].endswith(": refused")
    assert "client_id" in said["advice"]


def test_a_missing_authority_is_found(deployment, psc):
    switch_on(deployment, psc)
    deployment.settings(psc={"client_secret_file": "psc.secret", "ca_file": "nowhere.pem"})
    assert "nowhere.pem" in found(deployment)[SUBJECT]["state"]
    assert "psc.ca_file" in found(deployment)[SUBJECT]["advice"]


@pytest.mark.parametrize(
    ("declared", "sentence"),
    [
        ({"redirect_uri": f"{ISSUER}/elsewhere"}, "redirect_uri"),
        ({"post_logout_redirect_uris": [f"{ISSUER}/bye"]}, "post_logout_redirect_uris"),
        ({"name": "bas"}, "esante.gouv.fr"),
        ({"acepted_acr": ["eidas1"]}, "acepted_acr"),
        ({"id_token_algorithms": ["HS256"]}, "id_token_algorithms"),
        ({"token_endpoint": "http://127.0.0.9:1/token"}, "token_endpoint"),
    ],
)
def test_a_wrong_line_of_psc_yaml_is_named_by_both(deployment, psc, declared, sentence):
    switch_on(deployment, psc, **declared)
    for words in (["config", "check"], ["doctor"]):
        ran = deployment.run(*words)
        assert (ran.code, sentence in ran.out + ran.err) == (1, True), ran


def test_a_means_without_its_secret_s_file_is_named(fresh):
    fresh.settings(means=["psc", "password"])
    ran = fresh.run("config", "check")
    assert (ran.code, "psc.client_secret_file" in ran.err) == (1, True)


def test_a_missing_psc_yaml_is_named(fresh):
    Path(fresh.folder / "psc.secret").write_text(SECRET)
    fresh.settings(means=["psc"], psc={"client_secret_file": "psc.secret"})
    ran = fresh.run("config", "check")
    assert (ran.code, "psc.yaml" in ran.err) == (1, True)


def test_an_application_that_only_it_reaches_is_no_longer_warned_of(deployment, psc):
    deployment.client("medical", min_acr="urn:passerelle:acr:psc")
    assert len(deployment.json("config", "check")["warnings"]) == 1
    switch_on(deployment, psc)
    assert deployment.json("config", "check")["warnings"] == []
