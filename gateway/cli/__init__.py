"""The administrators' command line, one file per noun (DECISIONS 22).

For people by default, `--json` for scripts. An error is a sentence with a way out; no secret is ever an argument, and none is
printed but to a terminal that asks for it or to a file that only its owner may read (CLI-01, CLI-06).
"""

import sys

from gateway.cli.command_line import passerelle
from gateway.cli.output import run


def main() -> None:
    """The `passerelle` command."""
    sys.exit(run(passerelle))
