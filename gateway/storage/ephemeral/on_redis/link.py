"""The people's door to Redis: blocking calls from a pool, short timeouts, and never a second try of a step.

A step whose answer is lost may have happened: repeating it could redeem a code twice, so the caller is told instead.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from gateway.storage.ephemeral.on_redis.address import RedisAddress
from gateway.storage.ephemeral.on_redis.scripts import Word, script, words
from gateway.storage.ephemeral.unavailable import EphemeralStoreUnavailableError

if TYPE_CHECKING:
    import redis


class RedisLink:
    """Its library is loaded for the first question: the machine door, which has a link of its own, does not wait for it."""

    def __init__(self, address: RedisAddress, timeout_seconds: float) -> None:
        self._address, self._timeout_seconds = address, timeout_seconds

    @cached_property
    def _client(self) -> "redis.Redis":
        import redis  # noqa: PLC0415 -- as said above
        from redis.backoff import NoBackoff  # noqa: PLC0415
        from redis.retry import Retry  # noqa: PLC0415

        address = self._address
        where: dict[str, Any] = {"host": address.host, "port": address.port}
        if address.socket is not None:
            where = {"unix_socket_path": address.socket}
        elif address.tls:
            where |= {
                "ssl": True,
                "ssl_cert_reqs": "required",
                "ssl_check_hostname": True,
                "ssl_ca_certs": address.authorities,
                "ssl_certfile": address.certificate,
                "ssl_keyfile": address.private_key,
            }
        return redis.Redis(
            **where,
            db=address.database,
            username=address.username,
            password=address.password,
            socket_timeout=self._timeout_seconds,
            socket_connect_timeout=self._timeout_seconds,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )

    def run(self, name: str, keys: Sequence[str], *arguments: Word) -> Any:
        """Runs one script. NOSCRIPT means that nothing has run: only then is the source sent."""
        wanted = script(name)
        sent = (len(keys), *keys, *words(arguments))
        with self._asking() as client:
            from redis.exceptions import NoScriptError  # noqa: PLC0415

            try:
                return client.execute_command("EVALSHA", wanted.sha1, *sent)  # type: ignore[no-untyped-call]
            except NoScriptError:
                return client.execute_command("EVAL", wanted.source, *sent)  # type: ignore[no-untyped-call]

    def read(self, *command: Word) -> Any:
        with self._asking() as client:
            return client.execute_command(*words(command))  # type: ignore[no-untyped-call]

    def read_all(self, commands: Sequence[tuple[Word, ...]]) -> list[Any]:
        """Several commands in one round trip, without a transaction: they may be of different partitions."""
        with self._asking() as client, client.pipeline(transaction=False) as pipeline:
            for command in commands:
                pipeline.execute_command(*words(command))  # type: ignore[no-untyped-call]
            return pipeline.execute()

    def close(self) -> None:
        if "_client" in vars(self):
            self._client.close()

    @contextmanager
    def _asking(self) -> Iterator["redis.Redis"]:
        """Failures are told in the store's own words."""
        client = self._client
        from redis.exceptions import RedisError  # noqa: PLC0415

        try:
            yield client
        except (RedisError, OSError) as error:
            raise EphemeralStoreUnavailableError(f"{type(error).__name__}: {error}") from error
