"""A few words by which a person recognises one of their devices later, from what the browser says of itself."""

_BROWSERS = (("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def browser_and_system(user_agent: str) -> tuple[str | None, str | None]:
    """The names we recognise; nothing of the header itself is ever kept."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), None)
    return browser, system


def recognised(user_agent: str) -> str:
    """The same in every language: `Firefox · Windows`; empty when neither is recognised."""
    return " · ".join(name for name in browser_and_system(user_agent) if name is not None)
