"""An answer by form_post in real browsers: the script sends it, without a script the button does, and the page's policy lets
it end at the application and go on there."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from urllib.parse import urlencode

import flask
import pytest
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from tests.browser.driver import Browser
from tests.protocol.provider import Provider, parameters


@dataclass
class Places:
    gateway: str
    callback: str
    received: list[dict[str, str]]

    def question(self) -> str:
        asked = parameters(
            client_id="forme", redirect_uri=self.callback, response_mode="form_post", prompt="none", ui_locales="en"
        )
        return f"{self.gateway}/authorize?{urlencode(asked)}"


@pytest.fixture
def places() -> Iterator[Places]:
    """The gateway, and an application that goes on to its own home once it was told."""
    received: list[dict[str, str]] = []
    app = flask.Flask("elsewhere", static_folder=None)

    @app.post("/callback")
    def callback() -> Response:
        received.append(dict(flask.request.form))
        return flask.redirect("/home", 303)

    app.add_url_rule("/home", "home", lambda: "the application")
    provider = Provider()
    servers = [
        make_server("127.0.0.5", 0, app, threaded=True),
        make_server("127.0.0.1", 0, provider.browser.application, threaded=True),
    ]
    threads = [threading.Thread(target=server.serve_forever) for server in servers]
    for thread in threads:
        thread.start()
    address = f"http://127.0.0.5:{servers[0].port}/callback"
    clients = provider.clients.clients
    clients["forme"] = replace(clients["forme"], redirect_uris=(address,))
    yield Places(f"http://localhost:{servers[1].port}", address, received)
    for server in servers:
        server.shutdown()
    for thread in threads:
        thread.join()


@pytest.mark.spec("WEB-01")
def test_nobody_needs_to_press_the_button(browser: Browser, places: Places) -> None:
    browser.open(places.question())
    browser.wait_for("the application")
    assert [answer["error"] for answer in places.received] == ["login_required"]
    assert places.received[0]["state"] == parameters()["state"]


@pytest.mark.spec("WEB-01")
def test_without_scripts_there_is_a_button(
    new_browser: Callable[..., AbstractContextManager[Browser]], places: Places
) -> None:
    with new_browser(javascript=False) as browser:
        browser.open(places.question())
        assert places.received == []
        browser.click("Go on")
        browser.wait_for("the application")
    assert [answer["error"] for answer in places.received] == ["login_required"]
