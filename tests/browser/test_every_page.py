"""Every page of the gateway in Chromium and Firefox, narrow and wide, by keyboard, and in Chromium under axe-core.

The pages are those of the application itself: a new route fails here until `page_states` shows it. One gateway, and one
browser, for all of them; Chromium reads French, Firefox English.
"""

import contextlib
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import flask
import pytest

from gateway.settings import read_settings
from gateway.wiring.application import build
from gateway.wiring.stores import read_idp_config
from sandbox.card.igc_sante import LookAlikeIgc
from tests.browser.driver import Browser
from tests.browser.page_audit import NARROW, WIDE, facts, violations, walked
from tests.browser.page_states import Stop, is_listed, stops
from tests.faults.deployment import Deployment, deployment
from tests.faults.good_requests import World
from tests.faults.raw_http import RawRequest, encoded

LANGUAGES = {"chromium": "fr", "firefox": "en"}
Pictures = Callable[[Any, str], None]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """With every means switched on; nobody sends what it would send."""
    folder = tmp_path_factory.mktemp("every-page")
    LookAlikeIgc(datetime.now(UTC)).write(folder / "cards")
    (folder / "sms.token").write_text("a-token-that-nobody-takes", "utf-8")
    more = {
        "card": {"certificates": "cards"},
        "sms": {"url": "http://127.0.0.2:9/sms", "secret_file": "sms.token", "budget": {"daily": 500}},
    }
    limits = {"otp.sends.account.hour": 10, "otp.sends.account.day": 50}
    with deployment(
        folder, parameters=limits, with_psc=True, means=("card", "passkey", "password"), more=more
    ) as running:
        with (folder / "idp_config" / "clients" / "orientation.yaml").open("a", encoding="utf-8") as client:
            client.write("response_modes: [query, form_post]\n")
        running.serve()
        yield running


@pytest.fixture(scope="module")
def world(gateway: Deployment) -> Iterator[World]:
    with gateway.stores() as stores:
        yield World(gateway.port, stores, gateway.psc)


def test_no_page_is_left_out(gateway: Deployment) -> None:
    served = read_settings(gateway.settings_file)
    with gateway.stores() as stores:
        pages: Any = build(served, read_idp_config(served), stores).pages
        assert isinstance(pages, flask.Flask)
        assert [rule.rule for rule in pages.url_map.iter_rules() if not is_listed(rule.rule)] == []


def show(browser: Browser, origin: str, request: RawRequest, language: str) -> None:
    """The page that answers this request, whole."""
    cookies = {name.decode(): value.decode() for name, value in request.cookies}
    browser.become({**cookies, "__Host-language": language})
    if request.method == b"GET":
        query = encoded(request.query).decode()
        browser.open(f"{origin}{request.path.decode()}{'?' if query else ''}{query}")
        return
    fields = {name.decode(): value.decode() for name, value in request.body or ()}
    browser.evaluate(
        f"const form = document.createElement('form'); form.method = 'post'; form.action = '{request.path.decode()}';"
        f"for (const [name, value] of Object.entries({fields!r})) {{ const field = document.createElement('input');"
        "field.type = 'hidden'; field.name = name; field.value = value; form.append(field); }"
        "document.documentElement.dataset.left = 'yes'; document.body.append(form);"
        "HTMLFormElement.prototype.submit.call(form);"
    )
    _until_another_page(browser)


def _until_another_page(browser: Browser) -> None:
    for _ in range(1000):
        with contextlib.suppress(
            Exception
        ):  # the page went away under the question: each driver says it in its own way
            if browser.evaluate("return document.readyState === 'complete' && !document.documentElement.dataset.left"):
                return
        Event().wait(0.01)
    raise AssertionError(f"no answer to the form; still at {browser.url()}")


def defects(browser: Browser, stop: Stop, language: str, axe: str | None) -> Iterator[str]:
    """What is wrong with the page on show."""
    for width in (WIDE, NARROW):
        browser.resize(width)
        seen = facts(browser)
        if seen.width != width or seen.too_wide > 0:
            yield f"at {width} px it is {seen.width} px, {seen.too_wide} too many"
    if seen.language != language:
        yield f"language {seen.language}"
    if len(seen.headings) != 1:
        yield f"first headings: {seen.headings}"
    if not seen.title.partition(" · ")[0]:
        yield f"title: {seen.title}"
    yield from (f"not announced: {element}" for element in seen.unsaid)
    yield from (f"to be known by heart: {field}" for field in seen.by_heart)
    if axe is not None:
        yield from violations(browser, axe)
    reached, controls = walked(browser)
    if reached != controls:
        yield f"the keyboard goes {reached}"


@pytest.mark.spec("A11Y-01", "A11Y-02", "A11Y-05", "A11Y-07", "A11Y-08")
@pytest.mark.timeout(400)
def test_every_page_is_whole_narrow_and_wide_by_keyboard_and_for_a_screen_reader(
    new_browser: Callable[..., AbstractContextManager[Browser]],
    browser_name: str,
    gateway: Deployment,
    world: World,
    node: Path,
    pictures: Pictures,
) -> None:
    language = LANGUAGES[browser_name]
    axe = (node / "axe-core" / "axe.min.js").read_text("utf-8") if browser_name == "chromium" else None
    wrong: dict[str, list[str]] = {}
    titles: dict[str, str] = {}
    with new_browser() as browser:
        browser.open(f"{gateway.issuer}/nowhere")
        for stop in stops(world):
            if stop.leaves and browser_name == "firefox":
                continue
            name = f"{stop.occasion} {stop.which}"
            with browser.staying() if stop.leaves else contextlib.nullcontext():
                show(browser, gateway.issuer, stop.request(world), language)
                seen = facts(browser)
                heading = titles.setdefault(seen.title, "".join(seen.headings))
                found = list(defects(browser, stop, language, axe))
                if heading != "".join(seen.headings):
                    found.append(f"another page has its title: {heading}")
                if found:
                    wrong[name] = found
                pictures(browser, "every-" + "".join(sign if sign.isalnum() else "-" for sign in name))
    assert not wrong, json.dumps(wrong, indent=1, ensure_ascii=False)
