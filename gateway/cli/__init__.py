"""The administrators' command line, one file per noun (DECISIONS 22).

For people by default, `--json` for scripts. An error is a sentence with a way out; no secret is ever an argument, and none is
printed but to a terminal that asks for it or to a file that only its owner may read (CLI-01, CLI-06).
"""

import io
import logging
import sys

from gateway.cli.command_line import passerelle
from gateway.cli.output import run


def main() -> None:
    """The `passerelle` command."""
    # A library's own complaint would hold what an exception holds; `serve` and `jobs` set up their log themselves.
    logging.lastResort = logging.NullHandler()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a poor terminal gets question marks, not a failure
    sys.exit(run(passerelle))
