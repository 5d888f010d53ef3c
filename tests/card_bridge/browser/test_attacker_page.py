"""What a page of another site can try from a real browser: everything that browsers let it send, and names that point here.

The bridge and its door are real; the card is in the reader and its holder would type the code at once.
"""

import json
from collections.abc import Iterator

import pytest

from tests.browser.attacker_site import attacker_site
from tests.browser.driver import Browser
from tests.card_bridge.rig import NONCE, PIN, Workstation, card

BODY = json.dumps({"protocol": "cps-bridge:1", "nonce": NONCE, "purpose": "login", "lang": "fr"})
TRIES = """
const body = JSON.stringify(BODY), told = {};
const plain = { "Content-Type": "application/json" }, json = { ...plain, "X-CPS-Bridge": "1" };
const read = async (name, call) => {
  try { const answer = await call(); told[name] = [answer.type, answer.status, await answer.text()].join(" ").trim(); }
  catch { told[name] = "nothing"; }
};
const seen = (name, made, begin) => new Promise((done) => {
  const end = (what) => () => { told[name] = what; done(); };
  made.onload = made.onopen = made.onmessage = end("something");
  made.onerror = end("nothing");
  begin?.(made);
});
const put = (element) => { document.body.append(element); return element; };
const make = (tag, facts) => Object.assign(document.createElement(tag), facts);
const framed = (name, begin) => new Promise((done) => {
  const frame = put(make("iframe", { name }));
  begin(frame);
  frame.onload = () => {
    let inside = null;
    try { inside = frame.contentDocument; } catch { inside = null; }
    told[name] = inside?.body?.innerText ? "something" : "nothing";
    done();
  };
});
const form = { method: "post", enctype: "text/plain", action: `${bridge}/v1/authenticate`, target: "form" };
const fields = (form) => { form.append(make("input", { name: body.slice(0, -1) + ',"x":"', value: '"}' })); return form; };
return Promise.all([
  read("cors", () => fetch(`${bridge}/v1/authenticate`, { method: "POST", headers: json, body })),
  read("simple", () => fetch(`${bridge}/v1/authenticate`, { method: "POST", mode: "no-cors", body })),
  read("without its header", () => fetch(`${bridge}/v1/authenticate`, { method: "POST", headers: plain, body })),
  read("cancel", () => fetch(`${bridge}/v1/cancel`, { method: "POST", mode: "no-cors", body: "{}" })),
  read("status", () => fetch(`${bridge}/v1/status`, { headers: { "X-CPS-Bridge": "1" } })),
  read("simple status", () => fetch(`${bridge}/v1/status`, { mode: "no-cors" })),
  seen("image", new Image(), (image) => { image.src = `${bridge}/v1/status`; }),
  seen("script", make("script", { src: `${bridge}/v1/status` }), put),
  seen("style", make("link", { rel: "stylesheet", href: `${bridge}/v1/status` }), put),
  seen("socket", new WebSocket(`${bridge.replace("http", "ws")}/v1/authenticate`)),
  seen("events", new EventSource(`${bridge}/v1/status?wait=25&since=0`)),
  framed("frame", (frame) => { frame.src = `${bridge}/v1/status`; }),
  framed("sandboxed", (frame) => { frame.sandbox = "allow-scripts allow-forms"; frame.src = `${bridge}/v1/status`; }),
  framed("form", () => fields(put(make("form", form))).submit()),
]).then(() => { told.beacon = String(navigator.sendBeacon(`${bridge}/v1/authenticate`, body)); return told; });
"""


@pytest.fixture
def station() -> Iterator[Workstation]:
    made = Workstation()
    made.insert(card())
    yield made
    assert made.window.opened == []
    made.window.codes = [PIN]
    assert made.page.authenticate().status == 200, "the site that is allowed still signs in"
    made.stop()


def script(bridge: str) -> str:
    return f"const bridge = {bridge!r}, BODY = {BODY};" + TRIES


@pytest.mark.spec("BR-11", "BRG-03", "AC-065")
def test_another_site_opens_no_window_and_reads_nothing(browser: Browser, station: Workstation) -> None:
    with attacker_site() as site:
        browser.open(site)
        told = browser.evaluate(script(f"http://127.0.0.1:{station.bridge.port}"))
        assert told.pop("beacon") in ("true", "false")
        assert {name: said for name, said in told.items() if said not in ("nothing", "opaque 0")} == {}
        assert len(told) == 14


@pytest.mark.spec("BR-11", "BRG-02", "AC-066")
def test_a_name_that_points_to_this_machine_makes_no_site_the_bridge_s_own(
    browser: Browser, station: Workstation
) -> None:
    """Browsers resolve such names to loopback: to them the page and the bridge are then one site."""
    here = f"http://attaquant.localhost:{station.bridge.port}"
    browser.open(f"{here}/v1/status")
    assert "reader" not in browser.text()
    assert browser.url().startswith(here)
    told = browser.evaluate(
        f"const body = JSON.stringify({BODY}), headers = {{ 'Content-Type': 'application/json', 'X-CPS-Bridge': '1' }};"
        "const statuses = [['GET', 'status'], ['POST', 'authenticate'], ['POST', 'cancel']].map(([method, name]) =>"
        " fetch(`/v1/${name}`, { method, headers, body: method === 'GET' ? undefined : body })"
        ".then((answer) => answer.status, () => 0));"
        "return Promise.all(statuses)"
    )
    assert set(told) <= {403, 0}, "refused, or hung up before the body was read"
    refused = [line for line in station.log if "origin_refused" in line]
    assert refused, station.log
    assert all(line.endswith(" host") for line in refused), "for its Host, before anything else is looked at"
