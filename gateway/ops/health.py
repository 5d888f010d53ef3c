"""Health: `/health` says whether this process can serve now, `/health/live` whether it should be left alone.

Neither says why: reasons are in the log, and an address that anyone may ask tells nothing (WEB-07, OPS-02).
"""

import asyncio
import logging
from collections.abc import Callable, Mapping

from gateway.web.machine_door import MachineEndpoint, MachineRequest, MachineResponse

_log = logging.getLogger("passerelle.health")
_HEADERS = {"content-type": "application/json", "cache-control": "no-store"}


def live_endpoint() -> MachineEndpoint:
    async def live(_: MachineRequest) -> MachineResponse:
        return MachineResponse(200, b'{"status":"alive"}', _HEADERS)

    return live


def ready_endpoint(checks: Mapping[str, Callable[[], object]], *, timeout_seconds: float = 2.0) -> MachineEndpoint:
    """Ready when every check returns in time; `checks` by the name the log gives them."""

    async def ready(_: MachineRequest) -> MachineResponse:
        for name, check in checks.items():
            try:
                async with asyncio.timeout(timeout_seconds):
                    await asyncio.to_thread(check)
            except Exception as error:
                _log.warning("not ready: %s (%s)", name, type(error).__name__)
                return MachineResponse(503, b'{"status":"not ready"}', _HEADERS)
        return MachineResponse(200, b'{"status":"ready"}', _HEADERS)

    return ready
