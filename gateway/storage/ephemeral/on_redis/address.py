"""The address of a Redis server, read once for both doors to it.

Only what is written here is understood: an option that nobody knows is refused, for it might switch off what the links promise
(a server whose certificate and name are verified, short waits, no second try).
"""

from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

PORT = 6379
_OPTIONS = {
    "redis": {"db"},
    "rediss": {"db", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile"},
    "unix": {"db"},
}


@dataclass(frozen=True, slots=True, repr=False)
class RedisAddress:
    """`socket`: the path of a Unix socket, instead of host and port. Three files of PEM: whose certificates are believed
    (instead of those of the system), and our own where the server asks for one."""

    host: str
    port: int
    socket: str | None
    database: int
    username: str | None
    password: str | None
    tls: bool
    authorities: str | None
    certificate: str | None
    private_key: str | None


def read_address(url: str, password: str | None = None) -> RedisAddress:
    """`password`: where the address names none. Raises ValueError: a sentence that repeats no part of the address but the
    option's name."""
    parts = urlsplit(url)
    if parts.scheme not in _OPTIONS:
        raise ValueError("an address of Redis begins with redis://, rediss:// or unix://")
    options = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    unknown = sorted(set(options) - _OPTIONS[parts.scheme])
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: no option of {parts.scheme}:// addresses here")
    by_socket = parts.scheme == "unix"
    if by_socket and (parts.hostname or not parts.path):
        raise ValueError("write unix:///path/of/the/socket")
    return RedisAddress(
        host=unquote(parts.hostname or "localhost"),
        port=_port(parts),
        socket=unquote(parts.path) if by_socket else None,
        database=_database(options.get("db") or ("" if by_socket else parts.path.strip("/"))),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else password,
        tls=parts.scheme == "rediss",
        authorities=options.get("ssl_ca_certs"),
        certificate=options.get("ssl_certfile"),
        private_key=options.get("ssl_keyfile"),
    )


def _port(parts: SplitResult) -> int:
    try:
        return parts.port or PORT
    except ValueError:  # which would repeat what stands there: a password's end, where its slash was not escaped
        raise ValueError("the port of Redis is a number, as in redis://host:6379/0") from None


def _database(written: str) -> int:
    if not written:
        return 0
    if not (written.isascii() and written.isdigit()):
        raise ValueError("the database of Redis is a number, as in redis://host:6379/0")
    return int(written)
