"""Bounds what a client may do before its request is known: the head of a request (its line and headers) has a size and a time.

uvicorn waits for a head for ever and keeps all of it: a few hundred silent connections would take every place of
`limit_concurrency`, and one endless header the memory. Bodies have their own bounds in `gateway/app.py`.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class BoundedHeads(HttpToolsProtocol):
    """Closes a connection whose head is not whole after `head_seconds`, or exceeds `head_octets` (and one read)."""

    head_seconds = 10.0
    head_octets = 64 * 1024

    _seen = 0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_whole()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._deadline is not None:
            self._seen += len(data)
            if self._seen > self.head_octets + len(data):
                self.transport.close()
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._deadline is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        self._head_is_whole()
        super().on_headers_complete()

    def _await_head(self) -> None:
        self._seen = 0
        self._deadline = self.loop.call_later(self.head_seconds, self._too_late)

    def _head_is_whole(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            # The request before this one is still being answered, and nothing is read meanwhile.
            self._await_head()
        else:
            self.transport.close()
