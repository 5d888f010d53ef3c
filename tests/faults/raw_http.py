"""HTTP requests written byte by byte, so that anything can be wrong in them, and answers read back."""

import contextlib
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from http.client import HTTPException, HTTPResponse

Pairs = tuple[tuple[bytes, bytes], ...]
UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def percent(raw: bytes) -> bytes:
    return b"".join(bytes([octet]) if octet in UNRESERVED else b"%%%02X" % octet for octet in raw)


def encoded(pairs: Pairs) -> bytes:
    return b"&".join(percent(name) + b"=" + percent(value) for name, value in pairs)


@dataclass(frozen=True)
class RawRequest:
    """`body` None: no body at all. `written` replaces the encoded form, `promised` the length that is announced."""

    method: bytes
    path: bytes
    query: Pairs = ()
    body: Pairs | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()
    cookies: tuple[tuple[bytes, bytes], ...] = ()
    raw_query: bytes = b""
    written: bytes | None = None
    promised: int | None = None

    def with_header(self, name: bytes, value: bytes) -> "RawRequest":
        kept = tuple(header for header in self.headers if header[0].lower() != name.lower())
        return replace(self, headers=(*kept, (name, value)))

    def octets(self) -> bytes:
        target = self.path
        query = b"&".join(part for part in (encoded(self.query), self.raw_query) if part)
        if query:
            target += b"?" + query
        body = self.written if self.written is not None else encoded(self.body or ())
        headers = list(self.headers)
        names = {name.lower() for name, _ in headers}
        if self.cookies and b"cookie" not in names:
            headers.append((b"Cookie", b"; ".join(name + b"=" + value for name, value in self.cookies)))
        if (self.body is not None or self.written is not None) and b"content-length" not in names:
            length = self.promised if self.promised is not None else len(body)
            headers.append((b"Content-Length", str(length).encode()))
        lines = [self.method + b" " + target + b" HTTP/1.1", *(name + b": " + value for name, value in headers)]
        return b"\r\n".join([*lines, b"Connection: close", b"", b""]) + body


@dataclass(frozen=True)
class RawAnswer:
    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes
    by_name: dict[str, str] = field(default_factory=dict)


def exchange(port: int, octets: bytes, method: bytes, *, half_close: bool = False) -> RawAnswer | None:
    """The answer; None when the server hung up without one."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        with contextlib.suppress(ConnectionError):  # it may refuse before it has read everything
            connection.sendall(octets)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        response = HTTPResponse(connection, method=method.decode("latin-1"))
        try:
            response.begin()
            body = response.read()
        except (HTTPException, ConnectionError):
            return None
        finally:
            response.close()
        headers = [(name.lower(), value) for name, value in response.getheaders()]
        return RawAnswer(response.status, headers, body, dict(headers))
