"""The sandbox starts in `demo` and tests only, on loopback only, and says why not in one sentence (DECISIONS 19)."""

import json
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import requests

import sandbox
from sandbox.__main__ import main


def as_arguments(options: sandbox.SandboxOptions) -> list[str]:
    given = {name: value for name, value in vars(options).items() if value is not None}
    return [part for name, value in given.items() for part in (f"--{name.replace('_', '-')}", str(value))]


@pytest.mark.parametrize("profile", ["standard", "regulated", "", "DEMO"])
def test_it_refuses_every_profile_but_demo_and_test(options, profile, capsys):
    assert main(as_arguments(replace(options, profile=profile))) == 2
    assert "only with --profile demo or test" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["world", "smtp", "orientation", "suivi"])
@pytest.mark.parametrize(
    "address", ["0.0.0.0:0", "192.0.2.1:0", "[::]:0", "monde.example:0", "127.0.0.2", "127.0.0.2:x"]
)
def test_it_refuses_to_listen_anywhere_but_on_this_machine(options, name, address, capsys):
    assert main(as_arguments(replace(options, **{name: address}))) == 2
    assert f"--{name}" in capsys.readouterr().err


@pytest.mark.parametrize("issuer", ["https://passerelle.example", "http://127.0.0.1.example:80", "localhost:8080"])
def test_it_refuses_a_gateway_that_is_not_on_this_machine(options, issuer):
    with pytest.raises(sandbox.SandboxRefusal, match="--issuer"), sandbox.run(replace(options, issuer=issuer)):
        pass


def test_it_refuses_a_people_file_that_is_not_a_list_of_people(options, tmp_path: Path):
    (tmp_path / "people.yaml").write_text("name: seul\n", encoding="utf-8")
    refused = replace(options, people_file=tmp_path / "people.yaml")
    with pytest.raises(sandbox.SandboxRefusal, match="is not a list"), sandbox.run(refused):
        pass


def test_it_refuses_a_clock_file_that_is_not_eight_bytes(options, tmp_path: Path):
    (tmp_path / "clock").write_bytes(b"0")
    with (
        pytest.raises(sandbox.SandboxRefusal, match="clock offset"),
        sandbox.run(replace(options, clock_offset_file=tmp_path / "clock")),
    ):
        pass


def test_a_port_already_taken_is_one_sentence(options, capsys):
    with socket.create_server(("127.0.0.2", 0)) as taken:
        taken_address = f"127.0.0.2:{taken.getsockname()[1]}"
        assert main(as_arguments(replace(options, smtp=taken_address))) == 2
        assert f"--smtp {taken_address}" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_process_says_it_is_ready_and_stops_cleanly_when_asked(options, number):
    command = [sys.executable, "-m", "sandbox", *as_arguments(options)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stderr
        line = process.stdout.readline()
        try:
            addresses = json.loads(line.removeprefix("sandbox ready "))
            assert requests.get(addresses["world"], timeout=10).status_code == 200
            assert requests.get(addresses["orientation"], timeout=10).status_code == 200
        finally:
            process.send_signal(number)
        assert process.wait(timeout=20) == 0
        assert process.stderr.read() == ""


def test_the_second_application_starts_only_when_it_is_asked_and_never_without_its_secret(options, capsys):
    with sandbox.run(replace(options, suivi=None)) as alone:
        assert alone.suivi_url is None
        assert "Ouvrir Suivi" not in requests.get(alone.world_url, timeout=10).text
    assert main(as_arguments(replace(options, suivi_client_secret_file=None))) == 2
    assert "--suivi needs" in capsys.readouterr().err
