"""The short way to the machine door, for the requests that came whole (decision record 0005).

uvicorn reads, bounds, queues and times everything as ever. Only where a request for the machine door is there to its last octet
when its head has been read, nothing is left to wait for: it is answered without the messages of ASGI, and its answer leaves in
one piece. Whatever is otherwise (a body still under way, too long, `Expect`, another method, the pages) takes the long way.
"""

import logging
from functools import lru_cache
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from gateway.app import Application, Scope
from gateway.cli.bounded_heads import BoundedHeads
from gateway.web.machine_door import BODY_LIMIT, NO_CONTENT

_METHODS = frozenset({"GET", "POST"})
_log = logging.getLogger("passerelle.door")


class WholeRequests(BoundedHeads):
    _reading = False
    _begun: RequestResponseCycle | None = None
    """The request whose head was read from the octets at hand: is the rest of it there too?"""

    def data_received(self, data: bytes) -> None:
        self._reading = True
        super().data_received(data)
        self._reading = False
        begun, self._begun = self._begun, None
        if begun is not None:
            self._start(begun)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if not isinstance(app, Application):  # uvicorn's own refusals
            super()._start_asgi_task(cycle, app)
        elif self._reading:
            self._begun = cycle
        else:  # one that waited behind another
            self._start(cycle)

    def _start(self, cycle: RequestResponseCycle) -> None:
        app, scope = self.app, cycle.scope
        whole = not (cycle.more_body or cycle.waiting_for_100_continue or len(cycle.body) > BODY_LIMIT)
        if whole and scope["method"] in _METHODS and isinstance(app, Application) and app.is_machine(scope["path"]):
            task = self.loop.create_task(self._answer(cycle, app))
            task.add_done_callback(self.tasks.discard)
            self.tasks.add(task)
        else:
            super()._start_asgi_task(cycle, app)

    async def _answer(self, cycle: RequestResponseCycle, app: Application) -> None:
        try:
            response = await app.answer_whole(cast(Scope, cycle.scope), bytes(cycle.body))
            if self.flow.write_paused and not cycle.disconnected:
                await self.flow.drain()
            if cycle.disconnected:
                return
            head = _head(response.status, (*self.server_state.default_headers, *app.headers_of(response).items()))
            keep = cycle.keep_alive and response.headers.get("connection") != "close"
            length = b"" if response.status == NO_CONTENT else b"content-length: %d\r\n" % len(response.body)
            end = b"%s%s\r\n" % (length, b"" if keep else b"connection: close\r\n")
            self.transport.write(head + end + response.body)
        except Exception:
            _log.exception("an answer could not be written")
            self.transport.close()
            return
        cycle.response_started = cycle.response_complete = True
        if not keep:
            self.transport.close()
        cycle.on_response()


@lru_cache(maxsize=256)
def _head(status: int, headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """Status line and headers; few differ, and the same ones come again. ValueError: octets that would end a line."""
    lines = [name + b": " + value for name, value in headers if name != b"connection"]
    if any(b"\r" in line or b"\n" in line or b"\0" in line for line in lines):
        raise ValueError("a header with the end of a line in it")
    return b"".join([STATUS_LINE[status], *(line + b"\r\n" for line in lines)])
