"""The shapes compared for decision 0001: which application under which server, with which store client and signer."""

import sys
from dataclasses import dataclass
from pathlib import Path

from tests.bench.doors import endpoint
from tests.bench.measure import Target

_BIN = Path(sys.executable).parent
_MODULES = {"bare WSGI": "bare_wsgi", "Flask": "flask_pages", "two doors": "two_doors"}
_TOKEN_PATHS = {"bare WSGI": "/token", "Flask": "/flask/token", "two doors": "/token"}


@dataclass(frozen=True)
class Server:
    shape: str
    program: str
    store: str = "redis-py"
    signing: str = "joserfc"
    threads: int = 8  # of a WSGI server; the mounted pages always have 8

    @property
    def name(self) -> str:
        suffix = "" if self.threads == 8 else f", {self.threads} threads"
        return f"{self.shape}, {self.program}, {self.store}, {self.signing}{suffix}"

    def command(self, port: int) -> list[str]:
        application = f"tests.bench.doors.{_MODULES[self.shape]}:app"
        at = ["--host", "127.0.0.1", "--port", str(port)]
        match self.program:
            case "gunicorn":
                threads = ["--worker-class", "gthread", "--workers", "1", "--keep-alive", "75"]
                threads += ["--threads", str(self.threads)]
                return [
                    f"{_BIN}/gunicorn",
                    *threads,
                    "--bind",
                    f"127.0.0.1:{port}",
                    "--log-level",
                    "error",
                    application,
                ]
            case "granian" if self.shape == "two doors":
                interface = [
                    "--interface",
                    "asgi",
                    "--workers",
                    "1",
                    "--loop",
                    "uvloop",
                    "--http",
                    "1",
                    "--log-level",
                    "error",
                ]
                return [f"{_BIN}/granian", *interface, *at, application]
            case "granian":
                interface = [
                    "--interface",
                    "wsgi",
                    "--workers",
                    "1",
                    "--blocking-threads",
                    str(self.threads),
                    "--http",
                    "1",
                    "--no-log",
                ]
                return [f"{_BIN}/granian", *interface, *at, application]
            case "uvicorn":
                loop = [
                    "--loop",
                    "uvloop",
                    "--http",
                    "httptools",
                    "--lifespan",
                    "on",
                    "--timeout-keep-alive",
                    "75",
                    "--log-level",
                    "error",
                ]
                return [f"{_BIN}/uvicorn", *loop, "--no-access-log", *at, application]
        raise ValueError(self.program)

    @property
    def environment(self) -> dict[str, str]:
        return {"DOOR_STORE": self.store, "DOOR_SIGNING": self.signing}

    def token(self) -> Target:
        return Target(self.name, self.name, _TOKEN_PATHS[self.shape], endpoint.FORM)


PROVISIONAL = Server("two doors", "uvicorn")
PROVISIONAL_NARROW = Server("two doors", "uvicorn", "raw", "packed")
FLASK = Server("Flask", "gunicorn")
SYNC = Server("bare WSGI", "granian")
SYNC_MANY_THREADS = Server("bare WSGI", "granian", threads=32)
SYNC_NARROW = Server("bare WSGI", "granian", "raw", "packed")

SERVERS = [
    Server("bare WSGI", "gunicorn"),
    SYNC,
    FLASK,
    Server("Flask", "granian"),
    PROVISIONAL,
    Server("two doors", "granian"),
    # Only the store client, only the signer, then both.
    Server("two doors", "uvicorn", "raw", "joserfc"),
    Server("two doors", "uvicorn", "redis-py", "packed"),
    PROVISIONAL_NARROW,
    Server("two doors", "granian", "raw", "packed"),
    SYNC_NARROW,
    Server("Flask", "gunicorn", "raw", "packed"),
]

THROUGH_MOUNT = Target("token through Flask mounted under uvicorn", PROVISIONAL.name, "/flask/token", endpoint.FORM)
TOKENS = [*(server.token() for server in SERVERS), THROUGH_MOUNT]

# The two that remain when the others have been read, for a second spell.
FINAL = [server.token() for server in (PROVISIONAL, SYNC, PROVISIONAL_NARROW, SYNC_NARROW)]

EMPTY_MACHINE = Target("empty machine answer, uvicorn", PROVISIONAL.name, "/empty")
EMPTY_MOUNTED = Target("empty Flask page mounted, uvicorn", PROVISIONAL.name, "/pages/empty")
EMPTY_MOUNTED_GRANIAN = Target("empty Flask page mounted, granian", Server("two doors", "granian").name, "/pages/empty")
EMPTY_GUNICORN = Target("empty Flask page, gunicorn", FLASK.name, "/pages/empty")
EMPTY_GRANIAN = Target("empty Flask page, granian WSGI", Server("Flask", "granian").name, "/pages/empty")
EMPTY = [EMPTY_MACHINE, EMPTY_MOUNTED, EMPTY_MOUNTED_GRANIAN, EMPTY_GUNICORN, EMPTY_GRANIAN]
