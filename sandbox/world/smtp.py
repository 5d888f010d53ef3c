"""The mail server of the demo: a real SMTP conversation (RFC 5321) on loopback, everything ends in the mailbox.

It plays two failures on demand: `refuse` answers 451 to each sender, as an overloaded server does; `slow` holds the
last answer until the fault is switched off, thirty seconds at most.
"""

import asyncio
import threading
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from sandbox.clock import WorldClock
from sandbox.loopback import LoopbackAddress
from sandbox.world.faults import Faults
from sandbox.world.mailbox import Mailbox

SLOW_AT_MOST_SECONDS = 30.0


class SmtpServer:
    """Bound at construction; converses between `start` and `stop`, in a thread of its own."""

    def __init__(self, address: LoopbackAddress, mailbox: Mailbox, faults: Faults, clock: WorldClock) -> None:
        self._loop = asyncio.new_event_loop()
        self._handler = _Handler(mailbox, faults, clock)
        self._thread = threading.Thread(target=self._converse, name="sandbox-smtp", daemon=True)
        try:
            self._server = self._loop.run_until_complete(
                self._loop.create_server(self._conversation, address.host, address.port, start_serving=False)
            )
        except OSError:
            self._loop.close()
            raise
        self.address = LoopbackAddress(address.host, self._server.sockets[0].getsockname()[1])

    def start(self) -> None:
        self._loop.run_until_complete(self._server.start_serving())
        self._thread.start()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=10)
        self._loop.run_until_complete(self._end_conversations())
        self._loop.close()

    async def _end_conversations(self) -> None:
        self._server.close()
        conversations = asyncio.all_tasks() - {asyncio.current_task()}
        for conversation in conversations:
            conversation.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)

    def _conversation(self) -> SMTP:
        return SMTP(self._handler, hostname="monde.invalid", ident="ESMTP", enable_SMTPUTF8=True, loop=self._loop)

    def _converse(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()


class _Handler:
    def __init__(self, mailbox: Mailbox, faults: Faults, clock: WorldClock) -> None:
        self._mailbox = mailbox
        self._faults = faults
        self._clock = clock

    async def handle_MAIL(  # noqa: N802 - the name aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._faults.smtp == "refuse":
            return "451 4.3.2 The mail system is not accepting messages"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        await self._drag()
        content: Any = envelope.content
        self._mailbox.deliver(
            content if isinstance(content, bytes) else str(content).encode(),
            tuple(str(recipient) for recipient in envelope.rcpt_tos),
            self._clock.now(),
        )
        return "250 OK, kept in the mailbox"

    async def _drag(self) -> None:
        waited = 0.0
        while self._faults.smtp == "slow" and waited < SLOW_AT_MOST_SECONDS:
            await asyncio.sleep(0.05)
            waited += 0.05
