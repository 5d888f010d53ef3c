"""The browsers of tests/browser, in front of a bridge."""

from tests.browser.conftest import browser, browser_name, new_browser

__all__ = ["browser", "browser_name", "new_browser"]
