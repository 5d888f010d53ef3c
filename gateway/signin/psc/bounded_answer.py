"""An HTTP answer read within its limits: octets, and seconds for its head and again for its body (PSC-08, PSC-R11).

A time-out of the socket alone bounds only the silence between two octets: a provider that sends one now and then would hold
a worker for ever. Refuses a compressed answer, whose size is not what it seems.
"""

import contextlib
import socket
import threading
import time
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.response import HTTPResponse

_CHUNK = 16 * 1024


class _Hurried(HTTPConnection):
    """Gives the head of an answer the time of one read, all in all."""

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 itself does
        over = threading.Event()
        end = threading.Timer(self.timeout or 0, _shut, [self.sock, over])
        end.daemon = True
        end.start()
        try:
            answer = super().getresponse()
        finally:
            end.cancel()
        if over.is_set():
            raise TimeoutError("the head of the answer was cut off")
        return answer


class _HurriedHttps(_Hurried, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Hurried


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _HurriedHttps


def _shut(connected: socket.socket, over: threading.Event) -> None:
    """Ends a read under way in another thread; below TLS, which then sees a broken connection."""
    over.set()
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connected, socket.SHUT_RDWR)


class HurriedAdapter(HTTPAdapter):
    """The head of an answer has the time of one read, all in all. For whoever reads nothing else, this is all."""

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}


class BoundedAdapter(HurriedAdapter):
    """The whole body is read before anybody sees the answer."""

    def __init__(self, max_octets: int, seconds: float) -> None:
        super().__init__(max_retries=0)
        self._max_octets, self._seconds = max_octets, seconds

    def send(self, request: requests.PreparedRequest, *arguments: Any, **named: Any) -> requests.Response:
        request.headers["Accept-Encoding"] = "identity"
        answer = super().send(request, *arguments, **{**named, "stream": True})
        try:
            if answer.headers.get("Content-Encoding", "identity") != "identity":
                raise requests.exceptions.ContentDecodingError("compressed")
            answer._content = self._body(answer.raw)  # where `requests` keeps what it has read
        except (requests.RequestException, HTTPError, OSError) as error:
            answer.close()
            raise requests.exceptions.ChunkedEncodingError(type(error).__name__) from None
        return answer

    def _body(self, raw: HTTPResponse) -> bytes:
        end = time.monotonic() + self._seconds
        body = bytearray()
        while chunk := raw.read1(_CHUNK):
            body += chunk
            if len(body) > self._max_octets:
                raise requests.exceptions.ContentDecodingError("too large")
            if time.monotonic() > end:
                raise requests.exceptions.ReadTimeout("too slow")
        return bytes(body)
