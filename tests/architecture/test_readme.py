"""The README's table “Where does it happen?” leads where it says."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def _rows() -> list[list[str]]:
    section = re.split(r"^## ", README.split("## Where does it happen?", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_table_covers_what_a_person_can_want_to_see() -> None:
    wishes = " ".join(row[0].lower() for row in _rows())
    for wish in (
        "password",
        "one-time code",
        "trusted device",
        "activation",
        "code",
        "roles",
        "key rotation",
        "logout",
        "journal",
    ):
        assert wish in wishes, wish


@pytest.mark.parametrize("row", _rows(), ids=lambda row: row[0])
def test_every_place_it_names_exists(row: list[str]) -> None:
    places = re.findall(r"`([^`]+)`", " ".join(row[1:]))
    assert len(places) >= 3, row
    for place in places:
        path, _, name = place.partition("::")
        if path.startswith("/"):
            continue
        assert (ROOT / path).exists(), f"{row[0]}: {path}"
        if name:
            assert re.search(rf"\b{re.escape(name)}\b", (ROOT / path).read_text("utf-8")), f"{row[0]}: {place}"


def test_pictures_and_documents_it_links_to_exist() -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", README):
        assert (ROOT / target).exists(), target
