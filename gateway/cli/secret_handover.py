"""How a new secret reaches the person who asked for it: a new file of mode 0600, or, once, their terminal (CLI-01).

The file is whole and on disk before the secret is registered, and removed when it was not: a full disk or a crash leaves at
worst a file with a secret that opens nothing, never a registered secret that nobody has.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from gateway.cli.output import CommandRefused, Output


@contextlib.contextmanager
def handed_over(
    secret: str, *, what: str, file: Path | None, reveal_once: bool, output: Output
) -> Iterator[dict[str, str]]:
    """Register the secret inside the block; what the block puts in the mapping is said with it to scripts."""
    facts: dict[str, str] = {}
    if file is not None and reveal_once:
        raise CommandRefused("A secret goes to one place: choose --output FILE or --reveal-once.")
    if file is None:
        if not (reveal_once and sys.stdout.isatty()):
            raise CommandRefused("Say where the secret goes: --output FILE, or --reveal-once in a terminal.")
        yield facts
        output.say(f"{what} (shown once): {secret}", **facts, secret=secret)
        return
    _write_new(file, secret)
    try:
        yield facts
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    output.say(f"{what}: written to {file}, which only you may read.", **facts, file=str(file))


def _write_new(file: Path, secret: str) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise CommandRefused(f"{file} exists already; name a new file with --output.") from None
    except OSError as error:
        raise CommandRefused(
            f"{file} cannot be written ({error.strerror}); name another one with --output. Nothing was changed."
        ) from None
    try:
        with os.fdopen(descriptor, "w") as stream:
            stream.write(secret)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        file.unlink(missing_ok=True)
        raise CommandRefused(f"{file} cannot be written ({error.strerror}). Nothing was changed.") from None
