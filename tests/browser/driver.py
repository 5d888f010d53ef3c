"""One way to drive two real browsers: Chromium through Playwright, Firefox through Marionette.

Elements are named as a person names them: a field by its label, a button or a link by its text. Both start with a fresh
profile and no network but loopback.
"""

import base64
import contextlib
import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import pytest

CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE_SECONDS = 20
_LEAVING = re.compile(r"/assets/(device|form_post)\.")
_NARROWEST_WINDOW = 500
"""Pixels: Firefox makes no smaller one."""
_FIRST_WINDOW = (1366, 768)
"""Firefox's own choice where there is no screen."""
_AUTHENTICATOR = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True
}  # fmt: skip
_CLOCK_FORWARD = "const now = window.Date.now; window.Date.now = () => now.call(window.Date) + SECONDS * 1000;"


class Browser(Protocol):
    name: str

    def open(self, url: str) -> None: ...

    def fill(self, label: str, text: str) -> None: ...

    def tick(self, label: str) -> None: ...

    def click(self, text: str) -> None: ...

    def url(self) -> str: ...

    def text(self) -> str: ...

    def wait_for(self, text: str) -> None: ...

    def has_field(self, label: str) -> bool: ...

    def screenshot(self, file: Path, *, width: int = 1280) -> None: ...

    def forget_cookie(self, name: str) -> None: ...

    def forget_everything(self) -> None:
        """As a new profile: no page, no cookie of anybody."""
        ...

    def evaluate(self, script: str) -> Any: ...

    def press(self, key: str) -> None:
        """One key, as fingers press it: "Enter", "Tab", "Escape"."""
        ...

    def tab(self, times: int) -> None:
        """The same key so many times."""
        ...

    def resize(self, width: int) -> None:
        """The page is so many CSS pixels wide; a narrow one is a small window, or a page shown twice as large."""
        ...

    def become(self, cookies: Mapping[str, str]) -> None:
        """Whoever holds these cookies of the site on show, and no others."""
        ...

    def set_clock_forward(self, seconds: int) -> None:
        """The page's own clock, until the page is left."""
        ...

    def staying(self) -> contextlib.AbstractContextManager[None]:
        """Meanwhile a page that leaves by itself stays: its script does not come, and no other site is reached."""
        ...

    def authenticator(self) -> contextlib.AbstractContextManager[Callable[[bool], None]]:
        """Meanwhile this computer makes passkeys by itself. What it gives says whether its holder consents, at once, to
        whatever is asked; they do at first."""
        ...


class Chromium:
    name = "chromium"

    def __init__(self, context: Any) -> None:
        self._context = context
        self._page = context.new_page()
        self._page.set_default_timeout(PATIENCE_SECONDS * 1000)

    def open(self, url: str) -> None:
        self._page.goto(url)

    def fill(self, label: str, text: str) -> None:
        self._page.get_by_label(label, exact=False).first.fill(text)

    def tick(self, label: str) -> None:
        if not self._page.get_by_label(label, exact=False).first.is_checked():
            self._page.locator("label", has_text=label).first.click()

    def click(self, text: str) -> None:
        button = self._page.get_by_role("button", name=text).or_(self._page.get_by_role("link", name=text)).first
        button.click()

    def url(self) -> str:
        return str(self._page.url)

    def text(self) -> str:
        return str(self._page.locator("body").inner_text())

    def wait_for(self, text: str) -> None:
        from playwright.sync_api import TimeoutError as TooLate

        try:
            self._page.get_by_text(text, exact=False).first.wait_for(state="visible")
        except TooLate:
            raise AssertionError(f"no “{text}” on {self.url()}: {self.text()}") from None

    def has_field(self, label: str) -> bool:
        return bool(self._page.get_by_label(label, exact=False).count())

    def screenshot(self, file: Path, *, width: int = 1280) -> None:
        self._page.set_viewport_size({"width": width, "height": 860})
        self._page.screenshot(path=str(file), full_page=True)

    def forget_cookie(self, name: str) -> None:
        self._context.clear_cookies(name=name)

    def forget_everything(self) -> None:
        self._page.goto("about:blank")
        self._context.clear_cookies()

    @contextlib.contextmanager
    def without_javascript(self) -> Iterator["Chromium"]:
        """Another profile of the same browser."""
        context = self._context.browser.new_context(locale="fr-FR", java_script_enabled=False)
        try:
            yield Chromium(context)
        finally:
            context.close()

    def evaluate(self, script: str) -> Any:
        return self._page.evaluate(f"() => {{ {script} }}")

    def press(self, key: str) -> None:
        self._page.keyboard.press(key)

    def tab(self, times: int) -> None:
        for _ in range(times):
            self._page.keyboard.press("Tab")

    def resize(self, width: int) -> None:
        self._page.set_viewport_size({"width": width, "height": 860})

    def become(self, cookies: Mapping[str, str]) -> None:
        self._context.clear_cookies()
        # Written as its https twin would: only from there a script of the driver may give a cookie that is bound to the host.
        of_site = {
            "url": f"https://{urlsplit(self.url()).hostname}/",
            "secure": True,
            "httpOnly": True,
            "sameSite": "Lax",
        }
        self._context.add_cookies([{"name": name, "value": value, **of_site} for name, value in cookies.items()])

    @contextlib.contextmanager
    def staying(self) -> Iterator[None]:
        here = urlsplit(self.url()).netloc

        def leaves(url: str) -> bool:
            return urlsplit(url).netloc != here or _LEAVING.search(url) is not None

        # Any other end of a request would show a page of the browser's own.
        self._page.route(leaves, lambda route: route.abort("aborted"))
        try:
            yield
        finally:
            self._page.unroute(leaves)

    @contextlib.contextmanager
    def authenticator(self) -> Iterator[Callable[[bool], None]]:
        session = self._context.new_cdp_session(self._page)
        session.send("WebAuthn.enable", {"enableUI": False})
        options = {**_AUTHENTICATOR, "automaticPresenceSimulation": True}
        added = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        try:
            yield lambda consents: session.send(
                "WebAuthn.setAutomaticPresenceSimulation", {**added, "enabled": consents}
            )
        finally:
            session.send("WebAuthn.removeVirtualAuthenticator", added)
            session.send("WebAuthn.disable")
            session.detach()

    def set_clock_forward(self, seconds: int) -> None:
        self.evaluate(_CLOCK_FORWARD.replace("SECONDS", str(seconds)))


class Firefox:
    name = "firefox"

    def __init__(self, client: Any) -> None:
        self._client = client

    def open(self, url: str) -> None:
        self._client.navigate(url)

    def fill(self, label: str, text: str) -> None:
        field = self._field(label)
        field.clear()
        field.send_keys(text)

    def tick(self, label: str) -> None:
        if not self._field(label).is_selected():
            self._wait_element(f"//label[contains(normalize-space(.), {_xpath_literal(label)})]").click()

    def click(self, text: str) -> None:
        literal = _xpath_literal(text)
        named = f"contains(normalize-space(.), {literal}) or contains(@aria-label, {literal}) or contains(@value, {literal})"
        self._wait_element(f"//*[(self::button or self::a or self::input[@type='submit']) and ({named})]").click()

    def url(self) -> str:
        return str(self._client.get_url())

    def text(self) -> str:
        return str(self._client.execute_script("return document.body.innerText"))

    def wait_for(self, text: str) -> None:
        from marionette_driver import Wait

        Wait(self._client, timeout=PATIENCE_SECONDS, interval=0.05, ignored_exceptions=Exception).until(
            lambda client: text in client.execute_script("return document.body.innerText"),
            message=f"“{text}” on {self.url()}",
        )

    def has_field(self, label: str) -> bool:
        return bool(self._client.find_elements("xpath", _labelled(label)))

    def screenshot(self, file: Path, *, width: int = 1280) -> None:
        self._client.set_window_rect(width=width, height=900)
        file.write_bytes(base64.b64decode(self._client.screenshot(full=True)))

    def forget_cookie(self, name: str) -> None:
        self._client.delete_cookie(name)

    def forget_everything(self) -> None:
        former = self._client.window_handles
        self._client.switch_to_window(self._client.open(type="tab", focus=True)["handle"])
        kept = self._client.current_window_handle
        for handle in former:
            self._client.switch_to_window(handle, focus=False)
            self._client.close()
        self._client.switch_to_window(kept)
        self._client.set_window_rect(width=_FIRST_WINDOW[0], height=_FIRST_WINDOW[1])
        with self._client.using_context("chrome"):
            self._client.execute_async_script(
                "Services.clearData.deleteData(Ci.nsIClearDataService.CLEAR_ALL, {onDataDeleted: arguments[0]})"
            )

    def evaluate(self, script: str) -> Any:
        return self._client.execute_script(script)

    def press(self, key: str) -> None:
        from marionette_driver.keys import Keys

        pressed = getattr(Keys, key.upper())
        self._client.actions.sequence("key", "keyboard").key_down(pressed).key_up(pressed).perform()

    def tab(self, times: int) -> None:
        from marionette_driver.keys import Keys

        keys = self._client.actions.sequence("key", "keyboard")
        for _ in range(times):
            keys = keys.key_down(Keys.TAB).key_up(Keys.TAB)
        keys.perform()

    def resize(self, width: int) -> None:
        larger = 2 if width < _NARROWEST_WINDOW else 1
        with self._client.using_context("chrome"):
            self._client.execute_script(f"gBrowser.selectedBrowser.fullZoom = {larger}")
        self._client.set_window_rect(width=width * larger, height=900)

    def become(self, cookies: Mapping[str, str]) -> None:
        self._client.delete_all_cookies()
        for name, value in cookies.items():
            self._client.add_cookie({"name": name, "value": value, "path": "/", "secure": True, "httpOnly": True})

    def staying(self) -> contextlib.AbstractContextManager[None]:
        raise NotImplementedError  # its driver holds no request back

    @contextlib.contextmanager
    def authenticator(self) -> Iterator[Callable[[bool], None]]:
        self._software_token(True)
        asked = {**_AUTHENTICATOR, "isUserConsenting": True}
        added = self._client._send_message("WebAuthn:AddVirtualAuthenticator", asked, key="value")
        try:
            yield lambda consents: None  # beside a field this browser asks its own window, which nobody answers
        finally:
            self._client._send_message("WebAuthn:RemoveVirtualAuthenticator", {"authenticatorId": added})
            self._software_token(False)

    def _software_token(self, enabled: bool) -> None:
        with self._client.using_context("chrome"):
            for name, value in (("softtoken", enabled), ("usbtoken", not enabled)):
                self._client.execute_script(
                    "Services.prefs.setBoolPref(...arguments)", [f"security.webauth.webauthn_enable_{name}", value]
                )

    def set_clock_forward(self, seconds: int) -> None:
        self._client.execute_script(_CLOCK_FORWARD.replace("SECONDS", str(seconds)), sandbox=None)

    def _field(self, label: str) -> Any:
        return self._wait_element(_labelled(label))

    def _wait_element(self, xpath: str) -> Any:
        from marionette_driver import Wait

        return Wait(self._client, timeout=PATIENCE_SECONDS, interval=0.05, ignored_exceptions=Exception).until(
            lambda client: next(element for element in client.find_elements("xpath", xpath) if element.is_displayed()),
            message=f"{xpath} on {self.url()}",
        )


def _labelled(label: str) -> str:
    literal = _xpath_literal(label)
    named = f"//label[contains(normalize-space(.), {literal})]"
    return f"//*[@id={named}/@for] | {named}//input"


def _xpath_literal(text: str) -> str:
    return f'"{text}"' if '"' not in text else f"'{text}'"


def _need(binary: str) -> str:
    path = shutil.which(binary)
    if path is None:
        message = f"{binary} is not installed (./run test installs it as root)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return path


@contextlib.contextmanager
def launched_chromium() -> Iterator[Any]:
    """A fresh Chromium, as its driver gives it; the one without windows, which costs half."""
    from playwright.sync_api import sync_playwright

    executable = _need("chromium-headless-shell")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, headless=True, args=CHROMIUM_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def chromium(*, javascript: bool = True) -> Iterator[Chromium]:
    """A fresh Chromium."""
    with launched_chromium() as browser:
        yield Chromium(browser.new_context(locale="fr-FR", java_script_enabled=javascript))


@contextlib.contextmanager
def firefox(*, javascript: bool = True) -> Iterator[Firefox]:
    """A fresh Firefox."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own imports
        from marionette_driver.marionette import Marionette

    preferences = {
        "intl.accept_languages": "fr-FR",
        "javascript.enabled": javascript,
        "app.update.disabledForTesting": True,
    }
    log = tempfile.mkdtemp(prefix="firefox-")  # never /dev/null: the driver deletes what it logs to before it begins
    binary = _need("firefox-esr")

    def started() -> Any:
        log_file = str(Path(log) / "gecko.log")
        return Marionette(bin=binary, headless=True, prefs=preferences, gecko_log=log_file, port=0, startup_timeout=45)

    try:
        client = started()
    except OSError:
        client = started()  # on a busy machine the first start may be too slow, or its port taken meanwhile
    client.start_session()
    client.timeout.page_load = PATIENCE_SECONDS
    try:
        yield Firefox(client)
    finally:
        client.cleanup()
        shutil.rmtree(log, ignore_errors=True)


BROWSERS = {"chromium": chromium, "firefox": firefox}
