"""One closed-loop window of one operation: its pool of values, whether the server answers well, then wrk."""

from pathlib import Path

import redis

from tests.bench import measure
from tests.bench.machine.operations import AUTHORIZATION, Contender, Operation, asked
from tests.bench.measure import Window


class Windows:
    """`store`: the process of Redis; `forget`: its databases, where nobody takes the journal's lines away."""

    def __init__(self, folder: Path, store: measure.Process, *forget: redis.Redis) -> None:
        self._pool, self._store, self._forget = folder / "pool", store, forget

    def of(self, contender: Contender, operation: Operation, seconds: float, *, pool: int | None = None) -> Window:
        """`pool`: how many values instead of the operation's own number."""
        self._forget_lines()
        script = {"AUTHORIZATION": AUTHORIZATION}
        if operation.parameter is not None:
            values = contender.pool(operation, pool or operation.pool)
            if operation.mode != "rotate":
                asked(contender.url(operation), operation, values[0])
            self._pool.write_text("\n".join(values[1:]) + "\n")
            script |= {"POOL": str(self._pool), "FIELD": operation.parameter, "MODE": operation.mode}
            if operation.mode == "once":
                seconds = 1.0  # the pool must last
        return measure.window(
            contender.url(operation),
            operation.form,
            seconds,
            server=contender.pid,
            store=self._store.pid,
            script=script,
        )

    def _forget_lines(self) -> None:
        """The jobs would have taken them: kept for ever they would only fill Redis."""
        for database in self._forget:
            database.delete(*(f"{{p{partition:x}}}:events" for partition in range(16)))
