"""What is asked of every page, and the scripts that find it out: its language, its title, one first heading, nothing wider than
the window, every control reached in order by the keyboard with a focus that shows, and a way out of each."""

from dataclasses import dataclass
from typing import Any

from tests.browser.driver import Browser

NARROW, WIDE = 320, 1280
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
"""Of axe-core; the levels A and AA of WCAG 2.2, which RGAA 4.1 asks, and what its authors advise."""

_FACTS = """
const shown = (element) => element.getClientRects().length > 0;
return {
  title: document.title,
  language: document.documentElement.lang,
  headings: [...document.querySelectorAll("h1")].filter(shown).map((heading) => heading.textContent.trim()),
  too_wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  width: window.innerWidth,
  unsaid: [
    ...[...document.querySelectorAll(".notice")].filter((one) => !/^(alert|status)$/.test(one.getAttribute("role"))),
    ...[...document.querySelectorAll("[data-messages]")].filter((one) =>
      !one.parentElement.querySelector("[role=status]") || !one.parentElement.querySelector("[role=alert]")),
  ].map((element) => element.outerHTML.slice(0, 80)),
  by_heart: [...document.querySelectorAll("input[type=password], input.code:not(.code-long)")]
    .filter((field) => !/^((current|new)-password|one-time-code)$/.test(field.getAttribute("autocomplete")))
    .map((field) => field.outerHTML.slice(0, 80)),
};
"""

_BEFORE_WALK = """
const shown = (element) => element.getClientRects().length > 0 && getComputedStyle(element).visibility === "visible";
const possible = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
const groups = new Set();
const stop = (element) => {
  if (!shown(element) || element.disabled) return false;
  if (element.type !== "radio") return true;
  const peers = [...document.querySelectorAll(`input[type=radio][name="${element.name}"]`)].filter((one) => !one.disabled);
  if (element !== (peers.find((one) => one.checked) ?? peers[0])) return false;
  return true;
};
const stops = [...document.querySelectorAll(possible)].filter(stop);
stops.forEach((element, place) => { element.dataset.place = place; });
const edge = (name) => {
  const span = document.createElement("span");
  span.tabIndex = 0;
  span.dataset.place = name;
  return span;
};
const first = edge("before");
document.body.prepend(first);
document.body.append(edge("after"));
first.focus();
document.body.dataset.walk = "";
document.addEventListener("focusin", ({ target }) => {
  const style = getComputedStyle(target), box = target.getBoundingClientRect();
  const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 && box.right > 0 && box.bottom > 0;
  document.body.dataset.walk += `${target.dataset.place}${target.dataset.place === "after" || seen ? "" : "!"} `;
});
return stops.map((element) => element.outerHTML.slice(0, 160));
"""

_AFTER_WALK = """
const walked = document.body.dataset.walk;
document.querySelectorAll("[data-place=before], [data-place=after]").forEach((edge) => edge.remove());
return walked;
"""

_AXE = """
const options = { runOnly: RULES, rules: { "target-size": { enabled: true } }, resultTypes: ["violations"] };
return axe.run(document, options).then(({ violations }) =>
  violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target} ${node.failureSummary}`).join(" | ")}`));
"""


@dataclass(frozen=True)
class Facts:
    """`too_wide`: by how many pixels the page must be scrolled sideways; `unsaid`: what is shown, or will be by a script,
    without being announced; `by_heart`: secrets that no password manager, nor the browser, knows how to fill (a recovery code
    is on paper: nothing should keep it)."""

    title: str
    language: str
    headings: list[str]
    too_wide: int
    width: int
    unsaid: list[str]
    by_heart: list[str]


def facts(browser: Browser) -> Facts:
    return Facts(**browser.evaluate(_FACTS))


def walked(browser: Browser) -> tuple[list[str], list[str]]:
    """What the keyboard reaches, in its order, and what it should: each control by its place, the end after the last one.
    A `!` follows a control whose focus does not show."""
    controls: list[str] = browser.evaluate(_BEFORE_WALK)
    browser.tab(len(controls) + 1)
    found: Any = browser.evaluate(_AFTER_WALK)
    return str(found).split(), [*(str(place) for place in range(len(controls))), "after"]


def violations(browser: Browser, axe: str) -> list[str]:
    """What axe-core finds; `axe` is its script."""
    browser.evaluate(f"if (!window.axe) {{ {axe} }}")
    found: list[str] = browser.evaluate(_AXE.replace("RULES", str(RULES)))
    return found
