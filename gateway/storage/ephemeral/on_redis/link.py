"""The people's door to Redis: blocking calls from a pool, short timeouts, and never a second try of a step.

A step whose answer is lost may have happened: repeating it could redeem a code twice, so the caller is told instead.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from gateway.storage.ephemeral.on_redis.scripts import Word, script, words
from gateway.storage.ephemeral.unavailable import EphemeralStoreUnavailableError


class RedisLink:
    def __init__(self, url: str, *, password: str | None, timeout_seconds: float) -> None:
        self._client = redis.Redis.from_url(
            url,
            password=password,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )

    def run(self, name: str, keys: Sequence[str], *arguments: Word) -> Any:
        """Runs one script. NOSCRIPT means that nothing has run: only then is the source sent."""
        wanted = script(name)
        sent = (len(keys), *keys, *words(arguments))
        with translated():
            try:
                return self._client.execute_command("EVALSHA", wanted.sha1, *sent)  # type: ignore[no-untyped-call]
            except redis.exceptions.NoScriptError:
                return self._client.execute_command("EVAL", wanted.source, *sent)  # type: ignore[no-untyped-call]

    def read(self, *command: Word) -> Any:
        with translated():
            return self._client.execute_command(*words(command))  # type: ignore[no-untyped-call]

    def read_all(self, commands: Sequence[tuple[Word, ...]]) -> list[Any]:
        """Several commands in one round trip, without a transaction: they may be of different partitions."""
        with translated(), self._client.pipeline(transaction=False) as pipeline:
            for command in commands:
                pipeline.execute_command(*words(command))  # type: ignore[no-untyped-call]
            return pipeline.execute()

    def close(self) -> None:
        self._client.close()


@contextmanager
def translated() -> Iterator[None]:
    try:
        yield
    except (redis.exceptions.RedisError, OSError) as error:
        raise EphemeralStoreUnavailableError(f"{type(error).__name__}: {error}") from error
