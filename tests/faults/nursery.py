"""Where the processes of these tests are born: everything is imported once, and each process is a fork of that.

A restarted gateway then answers in a tenth of a second, for a tenth of the work. `python -m tests.faults.nursery` reads orders,
one JSON document a line (`argv`: what follows `passerelle`, `log`: where to write), and answers each with a process number.
"""

import importlib
import json
import os
import signal
import sys

import gateway.cli
from tests.faults import clerk

AHEAD = (
    "gateway.cli.serve", "gateway.cli.jobs", "gateway.wiring.application", "gateway.wiring.people_door", "uvicorn.lifespan.on",
    "uvloop", "httptools", "uvicorn.protocols.http.httptools_impl", "psycopg", "sqlalchemy.dialects.sqlite",
    "sqlalchemy.dialects.postgresql",
)  # fmt: skip
"""What the processes will need."""


def main() -> None:
    for name in AHEAD:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody here waits for the dead
    while line := sys.stdin.readline():
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(order["argv"], order["log"])
        print(pid, flush=True)


def _become(argv: list[str], log: str) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    for descriptor, name, flags in ((0, os.devnull, os.O_RDONLY), (1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)):
        opened = os.open(name, flags, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.dup2(1, 2)
    sys.argv = ["passerelle", *argv]
    try:
        if argv[0] == "clerk":
            clerk.main(argv[1])
        else:
            gateway.cli.main()
    except SystemExit as end:
        os._exit(end.code if isinstance(end.code, int) else 1)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main()
