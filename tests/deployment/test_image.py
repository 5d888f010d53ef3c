"""The steps of the image, run here as far as the machine allows: no container engine is needed to prove that the environment
installs from hashed wheels alone and that the command answers from it."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


def _instructions(stage: int) -> list[tuple[str, str]]:
    """The instructions of one stage, continuation lines joined."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", " ")
    stages = re.split(r"^FROM .*$", text, flags=re.MULTILINE)[1:]
    return [
        (match[1], match[2].strip())
        for line in stages[stage].splitlines()
        if (match := re.match(r"([A-Z]+)\s+(.*)", line))
    ]


@pytest.mark.spec("OPS-02")
def test_the_image_runs_as_nobody_in_particular_and_holds_no_secret() -> None:
    final = _instructions(1)
    assert ("USER", "10001:10001") in final
    assert not [
        value for name, value in final if name in {"ARG", "ENV"} and re.search(r"(?i)secret|password|token|key=", value)
    ]
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split()
    assert {".git", "var", "sandbox", "tests"} <= set(ignored)


@pytest.mark.timeout(600)
def test_the_steps_of_the_image_give_a_command_that_answers(tmp_path: Path) -> None:
    source, target = tmp_path / "src", tmp_path / "passerelle"
    source.mkdir()
    for name, value in _instructions(0):
        if name == "COPY":
            *files, destination = shlex.split(value)
            for file in files:
                place = source / destination
                if (ROOT / file).is_dir():
                    shutil.copytree(ROOT / file, place, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    (place if destination.endswith("/") else place.parent).mkdir(parents=True, exist_ok=True)
                    shutil.copy(ROOT / file, place)
        elif name == "RUN" and "apt-get" not in value:
            step = value.replace("/opt/passerelle", str(target)).replace("python3 -m venv", f"{sys.executable} -m venv")
            done = subprocess.run(["sh", "-ec", step], cwd=source, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{step}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    environment = {"PATH": f"{target}/bin:{os.environ['PATH']}", "HOME": str(tmp_path)}
    answer = subprocess.run(
        ["passerelle", "config", "check"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 1
    assert "--config" in answer.stderr
