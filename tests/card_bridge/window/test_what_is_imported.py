"""Compiled libraries of the workstation live in one file each, and nothing of the demo ever loads them."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
HOMES = {"PySide6": "card_bridge/window/qt.py", "smartcard": "card_bridge/pcsc.py"}


def imports(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("library", sorted(HOMES))
def test_the_window_s_toolkit_and_the_reader_s_library_have_one_file_each(library: str) -> None:
    files = [file for room in ("card_bridge", "gateway", "sandbox") for file in (ROOT / room).rglob("*.py")]
    assert [str(file.relative_to(ROOT)) for file in files if library in imports(file)] == [HOMES[library]]


@pytest.mark.parametrize("entrance", ["gateway.cli.demo", "sandbox.world", "card_bridge", "card_bridge.__main__"])
def test_neither_the_demo_nor_the_bridge_s_core_loads_them(entrance: str) -> None:
    looked = f"import sys, importlib; importlib.import_module({entrance!r}); print(*sys.modules, sep='\\n')"
    run = subprocess.run([sys.executable, "-c", looked], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in run.stdout.splitlines()}
    assert not loaded & set(HOMES)
