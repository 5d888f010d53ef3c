"""The head of an HTTP/1.1 request, read strictly: what is unusual is refused before anything acts on it.

No folded lines, no header twice (two Hosts, two Origins, two lengths), no Transfer-Encoding, no absolute target. Browsers
send none of these; programs that try to make two readers disagree do.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

MAX_HEAD = 16 * 1024
MAX_BODY = 8 * 1024

_REQUEST_LINE = re.compile(rb"([A-Z]{1,16}) (/[\x21\x24-\x7e]{0,512}) HTTP/1\.1")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e\x80-\xff\t]*?)[ \t]*")
_LENGTH = re.compile(r"0|[1-9][0-9]{0,4}")


class BadHead(ValueError):  # noqa: N818 -- a fact about what was received
    """Not a request that a browser would send."""


@dataclass(frozen=True)
class Head:
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    """Names in lower case."""
    length: int


def read_head(raw: bytes) -> Head:
    """`raw` ends with the empty line. Raises BadHead."""
    first, *lines = raw.removesuffix(b"\r\n\r\n").split(b"\r\n")
    request = _REQUEST_LINE.fullmatch(first)
    if request is None:
        raise BadHead("request line")
    headers: dict[str, str] = {}
    for line in lines:
        header = _HEADER.fullmatch(line)
        if header is None:
            raise BadHead("header line")
        name = header[1].decode("ascii").lower()
        if name in headers:
            raise BadHead("header twice")
        headers[name] = header[2].decode("latin-1")
    if "transfer-encoding" in headers or "expect" in headers or "upgrade" in headers:
        raise BadHead("transfer coding, expectation or upgrade")
    length = headers.get("content-length", "0")
    if not _LENGTH.fullmatch(length) or int(length) > MAX_BODY:
        raise BadHead("length")
    path, _, query = request[2].decode("ascii").partition("?")
    return Head(request[1].decode("ascii"), path, query, headers, int(length))
