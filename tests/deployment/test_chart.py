"""The chart, through helm itself, and what it renders, through the gateway's own reader of settings."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.settings import read_settings

ROOT = Path(__file__).resolve().parents[2]
HELM_VERSION = "v3.19.0"

pytestmark = [pytest.mark.timeout(1200), pytest.mark.xdist_group("helm")]


@pytest.fixture(scope="module")
def helm() -> str:
    """helm from the PATH; otherwise built once, at a pinned version, where Go is present."""
    built = ROOT / "build" / "tools" / "helm"
    if (found := shutil.which("helm")) is not None:
        return found
    if built.exists():
        return str(built)
    go = shutil.which("go")
    if go is None:
        pytest.skip("neither helm nor go is on this machine")
    subprocess.run(
        [go, "install", f"helm.sh/helm/v3/cmd/helm@{HELM_VERSION}"],
        env={**os.environ, "GOBIN": str(built.parent), "GOFLAGS": "-mod=mod"},
        check=True,
        capture_output=True,
    )
    return str(built)


def _template(helm: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [helm, "template", "release", str(ROOT / "helm"), "--kube-version", "1.30.0", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _documents(helm: str, *arguments: str) -> list[dict[str, Any]]:
    rendered = _template(helm, *arguments)
    assert rendered.returncode == 0, rendered.stderr
    return [document for document in yaml.safe_load_all(rendered.stdout) if document]


def test_helm_lint_finds_nothing_to_say(helm: str) -> None:
    result = subprocess.run([helm, "lint", "--strict", str(ROOT / "helm")], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_the_chart_deploys_the_gateway_and_the_jobs_without_a_secret(helm: str) -> None:
    documents = _documents(helm)
    deployments = {item["metadata"]["name"]: item for item in documents if item["kind"] == "Deployment"}
    assert set(deployments) == {"release-gateway", "release-jobs"}
    assert not [item for item in documents if item["kind"] == "Secret"]
    for deployment in deployments.values():
        pod = deployment["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        assert [item["args"] for item in pod["initContainers"]] == [["init"]]
        for container in pod["containers"] + pod["initContainers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            mounted = {mount["name"] for mount in container["volumeMounts"]}
            assert mounted == {volume["name"] for volume in pod["volumes"]}


def test_the_settings_it_renders_are_accepted_by_the_gateway(helm: str, tmp_path: Path) -> None:
    (settings,) = [item for item in _documents(helm) if item["kind"] == "ConfigMap"]
    file = tmp_path / "passerelle.yaml"
    file.write_text(settings["data"]["passerelle.yaml"], "utf-8")
    read = read_settings(file)
    assert read.profile == "standard"
    assert read.listen == "0.0.0.0:8080"
    assert str(read.clients) == "/etc/passerelle/clients"


@pytest.mark.parametrize(
    "wrong",
    [
        "settings.profile=demo",
        "settings.issuer=http://passerelle.example.org",
        "settings.ephemeral.url=redis://redis:6379/0",
        "settings.database.url=postgresql://passerelle:hunter2@postgresql/passerelle",
        "settings.smtp.password=hunter2",
        "settings.clock_offset_file=x",
        "secrets.keys.kek=",
        "colour=blue",
    ],
)
def test_values_that_the_gateway_would_refuse_are_refused_by_the_schema(helm: str, wrong: str) -> None:
    assert _template(helm, "--set", wrong).returncode != 0


def test_the_secret_of_pro_sante_connect_becomes_a_file_of_the_settings(helm: str) -> None:
    chosen = ["--set", "secrets.keys.pscClientSecret=psc-client-secret", "--set", "settings.means={psc,password}"]
    documents = _documents(helm, *chosen)
    settings = next(item for item in documents if item["metadata"]["name"] == "release-settings")["data"]
    declared = yaml.safe_load(next(iter(settings.values())))
    assert declared["psc"] == {"client_secret_file": "/run/passerelle/psc-client-secret"}
    assert declared["means"] == ["psc", "password"]
    deployments = (item for item in documents if item["kind"] == "Deployment")
    gateway = next(item for item in deployments if item["metadata"]["name"] == "release-gateway")
    volumes = {volume["name"]: volume for volume in gateway["spec"]["template"]["spec"]["volumes"]}
    files = {item["key"]: item["path"] for item in volumes["secrets"]["secret"]["items"]}
    assert files["psc-client-secret"] == "psc-client-secret"
