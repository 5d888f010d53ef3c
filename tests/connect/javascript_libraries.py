"""The JavaScript libraries of package-lock.json: installed once for all the processes of a test run, served to a browser.

Raises NodeMissingError where Node.js or npm is not here, or cannot fetch them.
"""

from pathlib import Path

from tests.interoperability.on_openid_client import install_library

FOLDER = Path(__file__).parent


def installed() -> Path:
    """The folder node_modules, filled."""
    install_library(FOLDER)
    return FOLDER / "node_modules"


def oidc_client_ts() -> str:
    """oidc-client-ts as one script for a page, where it is the global `oidc`."""
    return (installed() / "oidc-client-ts" / "dist" / "browser" / "oidc-client-ts.min.js").read_text("utf-8")
