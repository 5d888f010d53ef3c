"""/accessibilite: the accessibility declaration that article 47 of the law 2005-102 asks for, open to everybody (A11Y-01).

It says what was checked and what was not, whom to tell of an obstacle, and who helps when nobody answers. An organisation that
had its deployment audited gives the address of its own declaration in `tenant.yaml` (`legal.accessibility`).
"""

import flask
from werkzeug.wrappers import Response

from gateway.web.shell import ACCESSIBILITY, Shell


def pages(shell: Shell) -> flask.Blueprint:
    blueprint = flask.Blueprint("accessibility", __name__)

    @blueprint.get(ACCESSIBILITY)
    def declaration() -> Response:
        return shell.page("accessibility.html")

    return blueprint
