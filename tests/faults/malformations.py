"""What can be wrong with a request: hypothesis draws some, and each is a change of a good one."""

from collections.abc import Callable
from dataclasses import replace

from hypothesis import strategies as st

from tests.faults.raw_http import Pairs, RawRequest, encoded

Change = Callable[[RawRequest], RawRequest]

METHODS = (
    b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"TRACE", b"PROPFIND", b"get", b"QUERY", b"A",
)  # fmt: skip
FORGED = (
    b"https://evil.example/", b"//evil.example", b"/\\evil.example", b"http://127.0.0.5:8091/callback@evil.example",
    b"http://127.0.0.5:8091/callback/../other", b"http://127.0.0.5:8091/callback#x", b"javascript:alert(1)",
    b"http://127.0.0.5:8091/callback%0d%0aX-Injected: 1", b"x\r\nX-Injected: 1", b"\r\n\r\n<script>", b"\0", b"a\0b",
    b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\xaf", b"%", b"%zz", b"%00", b"' OR 1=1 --", b"{{7*7}}", b"${jndi:ldap://x}",
    b"../../../../etc/passwd", b"<script>alert(1)</script>", "１２３４５６７８".encode(), "\u202e\ufeff\u0000".encode(), b"-1",
    b"1e309", b"NaN", b"99999999999999999999999", b"null", b"[]", b'{"a":',
    b'{"id_token":{"acr":{"values":[1,null]}}}', b'{"id_token":' * 200, b"[" * 3000, b"none", b"none login",
    b"select_account", b"A" * 43, b"0" + b"A" * 43, b"eyJhbGciOiJub25lIn0.e30.", b"eyJhbGciOiJub25lIn0.e30", b"....",
    b"=", b"&", b"+", b";", b"\xe2\x80\xa8", b" ",
)  # fmt: skip
PATHS: tuple[Callable[[bytes], bytes], ...] = (
    lambda path: b"/" + path,
    lambda path: b"//evil.example" + path,
    lambda path: path + b"/",
    lambda path: path + b"//",
    lambda path: path + b"/..",
    lambda path: path + b"/..;/",
    lambda path: path + b";x=y",
    lambda path: path + b"%2f",
    lambda path: path + b"%2e%2e%2f",
    lambda path: path + b"%00",
    lambda path: path + b"%0d%0aX-Injected:%201",
    lambda path: path + b"%ff%c0%ae",
    lambda path: path + b"%",
    lambda path: path + b"\xff",
    lambda path: path + b"\\..\\",
    lambda path: path.upper(),
    lambda path: path.replace(b"/", b"%2f"),
    lambda path: path.replace(b"/", b"/./"),
    lambda path: b"/." + path,
    lambda path: b"http://evil.example" + path,
    lambda path: b"https://evil.example:1/" + path,
    lambda path: path + b"?" + path,
    lambda path: path + b"#x",
    lambda path: path.rpartition(b"/")[0] + b"/" + b"A" * 9000,
    lambda path: path.rpartition(b"/")[0] + b"/%F0%9F%92%A9",
    lambda path: path.rpartition(b"/")[0] + b"/" + b"A" * 44,
    lambda path: b"*",
    lambda path: path[1:],
    lambda path: b"",
)  # fmt: skip
TYPES = (
    b"text/plain", b"application/json", b"multipart/form-data", b"multipart/form-data; boundary=x",
    b"multipart/form-data; boundary=" + b"x" * 300, b"application/x-www-form-urlencoded; charset=utf-16",
    b"application/x-www-form-urlencoded; charset=nonsense", b"APPLICATION/X-WWW-FORM-URLENCODED ; x", b"\xff\xff",
    b"/", b"", b";", b"application/x-www-form-urlencoded, text/plain", b"multipart/form-data; boundary=\"",
)  # fmt: skip
HEADERS = (
    (b"Host", b"evil.example"), (b"Host", b"localhost:99999"), (b"Host", b"localhost:x"), (b"Host", b""),
    (b"Host", b"[::1"), (b"Host", b"\xff"), (b"Host", b"a b"), (b"Host", b"localhost@evil.example"),
    (b"X-Forwarded-Host", b"evil.example"), (b"X-Forwarded-Proto", b"javascript"),
    (b"X-Forwarded-Prefix", b"//evil.example"), (b"X-Forwarded-For", b"not an address"),
    (b"X-Forwarded-For", b"1.2.3.4, ::1, 127.0.0.1" * 200), (b"Forwarded", b"host=evil.example"),
    (b"X-Original-URL", b"/health"), (b"X-Rewrite-URL", b"/health"), (b"X-Script-Name", b"//evil.example"),
    (b"Script-Name", b"//evil.example"), (b"X-HTTP-Method-Override", b"DELETE"), (b"Origin", b"https://evil.example"),
    (b"Origin", b"null"), (b"Origin", b"\xff"), (b"Origin", b"http://127.0.0.5:8091"),
    (b"Sec-Fetch-Site", b"cross-site"), (b"Sec-Fetch-Site", b"\xff"), (b"Referer", b"https://evil.example"),
    (b"Accept-Language", b"fr;q=x, en;q=99999999999999999999, *;q=-1, \xff"), (b"Accept-Language", b"a," * 3000),
    (b"Accept-Language", b";q=1e400"), (b"Accept", b"\xff"), (b"Accept-Encoding", b"gzip, br, identity;q=0"),
    (b"User-Agent", b"\x80\xff"), (b"User-Agent", b"A" * 20000), (b"X-Huge", b"A" * 60000),
    (b"Range", b"bytes=0-1,5-"), (b"Range", b"bytes=99-1"), (b"If-None-Match", b"*"), (b"If-Modified-Since", b"never"),
    (b"If-Range", b"\xff"), (b"Expect", b"100-continue"), (b"Expect", b"wonders"), (b"Content-Encoding", b"gzip"),
    (b"Transfer-Encoding", b"chunked"), (b"Transfer-Encoding", b"gzip, chunked"), (b"Transfer-Encoding", b"identity"),
    (b"Content-Length", b"-1"), (b"Content-Length", b"1, 2"), (b"Content-Length", b"x"),
    (b"Content-Length", b"99999999999999999999"), (b"Content-Length", b"70000"), (b"Upgrade", b"h2c"),
    (b"Upgrade", b"websocket"), (b"Connection", b"Upgrade, HTTP2-Settings"), (b"HTTP2-Settings", b"AAMAAABkAAQAAP__"),
    (b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="), (b"Authorization", b"Basic"),
    (b"Authorization", b"Basic \xff"), (b"Authorization", b"Basic " + b"A" * 5000), (b"Authorization", b"Basic Og=="),
    (b"Authorization", b"Basic b3JpZW50YXRpb246JWZm"), (b"Authorization", b"Bearer "),
    (b"Authorization", b"Bearer a.b.c"), (b"Authorization", b"Bearer " + b"A" * 60000),
    (b"Authorization", b"Bearer eyJhbGciOiJub25lIn0.e30."), (b"Authorization", b"Digest x"),
    (b"Authorization", b"DPoP x"), (b"Access-Control-Request-Method", b"POST"), (b"bad name", b"x"), (b"", b"x"),
    (b"X\0", b"x"), (b"X-Nul", b"\0"), (b"X-Bare", b"a\rb"), (b"X-Folded", b"a\r\n b"),
    (b"Sec_Fetch_Site", b"same-origin"),
)  # fmt: skip
COOKIE_HEADERS = (
    b";;;=;", b"=", b"__Host-session", b"__Host-session=", b"__Host-session=\xff; __Host-browser=\xff",
    b"a=b; " * 2000, b'__Host-session="', b'__Host-session="\\012\\"', b"__Host-browser=x; __Host-browser=y",
    b"__Host-device=" + b"|" * 3000, b"__Host-link=reset.", b"__Host-link=reset." + b"A" * 43,
    b"__Host-language=\xc3\xa9", b"__Host-language=../../etc", b"$Version=1; a=b", b"\0",
    b"__Host-session=" + b"A" * 20000, b"__Host-session=0" + b"A" * 43,
)  # fmt: skip

NAMES = (
    b"request", b"request_uri", b"registration", b"response_mode", b"prompt", b"max_age", b"claims", b"structure",
    b"acr_values", b"ui_locales", b"id_token_hint", b"access_token", b"client_assertion", b"client_secret",
)  # fmt: skip
BODIES = (
    b"a" * 70000,
    b"--x\r\n\r\n",
    b'--x\r\nContent-Disposition: form-data; name="form_token"\r\n\r\n\xff\r\n--x--\r\n',
    b'--x\r\nContent-Disposition: form-data; name="f"; filename="../../f"\r\nContent-Type: \xff\r\n\r\nx\r\n--x--\r\n',
)

_texts = st.text(max_size=20).map(lambda text: text.encode("utf-8"))
_octets = st.one_of(st.sampled_from(FORGED), st.binary(max_size=40), _texts)
_index = st.integers(0, 11)


def _in_pairs(request: RawRequest, change: Callable[[Pairs], Pairs]) -> RawRequest:
    if request.body is not None:
        return replace(request, body=change(request.body))
    return replace(request, query=change(request.query))


def _drop(index: int) -> Change:
    return lambda request: _in_pairs(request, lambda pairs: _without(pairs, index))


def _without(pairs: Pairs, index: int) -> Pairs:
    return tuple(pair for place, pair in enumerate(pairs) if not pairs or place != index % len(pairs))


def _double(index: int) -> Change:
    return lambda request: _in_pairs(
        request, lambda pairs: (*pairs, *pairs[index % len(pairs) :][:1]) if pairs else pairs
    )


def _value(index: int, value: bytes) -> Change:
    def changed(pairs: Pairs) -> Pairs:
        if not pairs:
            return ((b"x", value),)
        place = index % len(pairs)
        return tuple((name, value if at == place else old) for at, (name, old) in enumerate(pairs))

    return lambda request: _in_pairs(request, changed)


def _extra(name: bytes, value: bytes) -> Change:
    return lambda request: _in_pairs(request, lambda pairs: (*pairs, (name, value)))


def _many(number: int) -> Change:
    return lambda request: _in_pairs(request, lambda pairs: (*pairs, *((b"p%d" % at, b"x") for at in range(number))))


def _raw_query(raw: bytes) -> Change:
    readable = bytes(octet for octet in raw if octet > 32 and octet != 127)
    return lambda request: replace(request, raw_query=readable)


def _raw_body(raw: bytes) -> Change:
    return lambda request: replace(request, written=raw)


def _method(method: bytes) -> Change:
    return lambda request: replace(request, method=method)


def _path(number: int) -> Change:
    return lambda request: replace(request, path=PATHS[number](request.path))


def _last_segment(raw: bytes) -> Change:
    written = b"".join(b"%%%02x" % octet for octet in raw)
    return lambda request: replace(request, path=request.path.rpartition(b"/")[0] + b"/" + written)


def _header(header: tuple[bytes, bytes]) -> Change:
    return lambda request: request.with_header(*header)


def _second_header(header: tuple[bytes, bytes]) -> Change:
    return lambda request: replace(request, headers=(*request.headers, header))


def _cookie(index: int, value: bytes) -> Change:
    raw = bytes(octet for octet in value if octet not in b"\r\n\0")

    def changed(request: RawRequest) -> RawRequest:
        cookies = request.cookies or ((b"__Host-session", b""),)
        place = index % len(cookies)
        return replace(
            request, cookies=tuple((name, raw if at == place else old) for at, (name, old) in enumerate(cookies))
        )

    return changed


def _truncated(request: RawRequest) -> RawRequest:
    whole = request.written if request.written is not None else encoded(request.body or ((b"a", b"b"),))
    return replace(request, written=whole[: len(whole) // 2], promised=len(whole))


def _without_cookies(request: RawRequest) -> RawRequest:
    return replace(request, cookies=())


changes = st.one_of(
    st.builds(_value, _index, _octets),
    st.builds(_value, _index, st.sampled_from(FORGED)),
    st.builds(_value, _index, st.sampled_from((b"A" * 600, b"A" * 5000, b"A" * 70000, b"%41" * 3000))),
    st.builds(_drop, _index),
    st.builds(_double, _index),
    st.builds(_extra, _octets, _octets),
    st.builds(_extra, st.sampled_from(NAMES), _octets),
    st.builds(_many, st.sampled_from((40, 64, 65, 400))),
    st.builds(_raw_query, _octets),
    st.builds(_raw_body, st.one_of(_octets, st.binary(max_size=200), st.sampled_from(BODIES))),
    st.builds(_method, st.sampled_from(METHODS)),
    st.builds(_path, st.integers(0, len(PATHS) - 1)),
    st.builds(_last_segment, _octets),
    st.builds(_header, st.sampled_from(HEADERS)),
    st.builds(_second_header, st.sampled_from(HEADERS)),
    st.builds(_header, st.tuples(st.just(b"Content-Type"), st.sampled_from(TYPES))),
    st.builds(_header, st.tuples(st.just(b"Cookie"), st.sampled_from(COOKIE_HEADERS))),
    st.builds(_cookie, _index, _octets),
    st.just(_truncated),
    st.just(_without_cookies),
)
"""One thing wrong."""
