"""The pages of docs/connect and their tests do not part: every block is run, every link leads somewhere."""

import re

import pytest

from tests.connect.page_blocks import PAGES, blocks, commands

RUN_BY = {
    "server.md": {"app.py", "server.mjs"},
    "spa.md": {"index.html", "my-spa.js"},
    "mobile.md": {"app.mjs"},
    "api.md": {"api.py", "api.mjs", "make_key.py", "service.py"},
}
TESTS = {name: f"test_{name.removesuffix('.md')}_page.py" for name in RUN_BY}


@pytest.mark.parametrize("page", sorted(path.name for path in PAGES.glob("*.md")))
def test_every_block_of_a_page_is_run_by_its_test(page: str) -> None:
    found = {name for name, _ in blocks(page) if not name.startswith("idp_config/clients/")} - {"sh"}
    assert found == RUN_BY.get(page, set())
    fences = (PAGES / page).read_text("utf-8").count("\n```")
    assert fences == 2 * len(list(blocks(page))), "a block that nobody reads"
    source = "".join(path.read_text("utf-8") for path in (PAGES.parents[1] / "tests" / "connect").glob("*.py"))
    assert all(f'"{name}"' in source.replace(f"{RUN_BY!r}", "") for name in found)
    for name, text in blocks(page):
        if name == "sh":
            assert len(commands(page)) >= text.count("\n"), "commands are ./run passerelle …"


@pytest.mark.parametrize("page", sorted(path.name for path in PAGES.glob("*.md")))
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", (PAGES / page).read_text("utf-8"))
    for link in links:
        assert link.startswith("https://") or (PAGES / link).exists(), link
