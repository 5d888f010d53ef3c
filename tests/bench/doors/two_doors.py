"""Door (c): one ASGI application; the machine endpoint is a bare coroutine, Flask stands beside it for the pages."""

from collections.abc import Awaitable, Callable
from typing import Any

from a2wsgi import WSGIMiddleware

from tests.bench.doors import endpoint, flask_pages, stores

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_BODY_LIMIT = 65536
_HEADERS = [(name.lower().encode(), value.encode()) for name, value in endpoint.JSON_HEADERS]
_sign = endpoint.signer_from_environment()
_store = stores.async_store()
_pages: Any = WSGIMiddleware(flask_pages.app, workers=8)  # type: ignore[arg-type,unused-ignore]


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        event = (await receive())["type"]
        if event == "lifespan.startup":
            await _store.open()
        await send({"type": event + ".complete"})
        if event == "lifespan.shutdown":
            return


async def _read(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        part: bytes = message.get("body", b"")
        body += part
        if len(body) > _BODY_LIMIT:
            raise endpoint.Refusal(400, "invalid_request")
        if not message.get("more_body"):
            return body


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers = [*_HEADERS, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _token(receive: Receive, send: Send) -> None:
    try:
        form = endpoint.parse_form(await _read(receive))
        issued = endpoint.prepare(form, _sign)
        await _store.remember(issued)
    except endpoint.Refusal as refusal:
        await _answer(send, refusal.status, endpoint.failure(refusal))
    else:
        await _answer(send, 200, endpoint.success(issued, form.get("scope", "")))


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["path"] == "/token":
        await _token(receive, send)
    elif scope["path"] == "/empty":
        await _answer(send, 200, b"{}")
    else:
        await _pages(scope, receive, send)
