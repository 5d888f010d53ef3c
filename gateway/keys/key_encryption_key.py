"""The key-encryption key: it wraps the keys that the database holds, and lives in a file outside it (CRY-01).

The file is one JSON object (`format`, `id`, `key` in base64url). It must be a regular file that nobody but its owner may
read; anything else is refused when it is loaded. Creation never overwrites, and leaves a whole file or none.
"""

import base64
import binascii
import json
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from gateway.keys.envelope import KEY_OCTETS, Envelope
from gateway.randomness import Randomness, base64url, identifier

_FORMAT = "passerelle-kek-1"


class KeyFileError(Exception):
    """The file cannot serve; the message says why and what to do, and holds nothing secret."""


class KeyEncryptionKey:
    """`id` names it beside each key that it wraps."""

    __slots__ = ("_envelope", "id")

    def __init__(self, key_id: str, raw: bytes) -> None:
        self.id = key_id
        self._envelope = Envelope(raw)

    def wrap(self, raw: bytes, *, context: Sequence[bytes], randomness: Randomness) -> bytes:
        return self._envelope.seal(raw, context=(b"kek", self.id.encode(), *context), randomness=randomness)

    def unwrap(self, wrapped: bytes, *, expected_context: Sequence[bytes]) -> bytes:
        """Raises UnreadableError."""
        return self._envelope.open(wrapped, expected_context=(b"kek", self.id.encode(), *expected_context))

    @classmethod
    def load(cls, path: Path) -> "KeyEncryptionKey":
        """Raises KeyFileError."""
        try:
            with path.open("rb") as file:
                # The mode of what was opened, not of what the name may mean a moment later.
                status = os.fstat(file.fileno())
                mode = status.st_mode
                content = file.read(4096)
        except OSError as error:
            raise KeyFileError(f"{path} cannot be read ({error.strerror}); `passerelle init` creates it") from None
        if not stat.S_ISREG(mode):
            raise KeyFileError(f"{path} is not a regular file")
        # A file that somebody else owns (root, in a container) can only be shared through a group, for reading.
        shared = stat.S_IRGRP if status.st_uid != os.geteuid() else 0
        if mode & (stat.S_IRWXG | stat.S_IRWXO) & ~shared:
            raise KeyFileError(f"{path} is open to others than its owner (mode {mode & 0o777:04o}): chmod 600 {path}")
        return cls._parse(path, content)

    @classmethod
    def _parse(cls, path: Path, content: bytes) -> "KeyEncryptionKey":
        try:
            said = json.loads(content)
            if said["format"] != _FORMAT or not isinstance(said["id"], str) or not said["id"]:
                raise KeyFileError(f"{path} is not a key-encryption key of format {_FORMAT}")
            return cls(said["id"], base64.b64decode(said["key"] + "=", altchars=b"-_", validate=True))
        except (ValueError, KeyError, TypeError, binascii.Error):
            # The content is a secret: it must not travel in a traceback.
            raise KeyFileError(f"{path} is damaged; restore it from its backup") from None

    @classmethod
    def create(cls, path: Path, randomness: Randomness) -> "KeyEncryptionKey":
        """Draws a key and writes its file, mode 0600. Raises KeyFileError when something stands there already."""
        key_id, raw = identifier(randomness), randomness(KEY_OCTETS)
        content = json.dumps({"format": _FORMAT, "id": key_id, "key": base64url(raw)}).encode() + b"\n"
        unfinished = path.with_name(f".{path.name}.{key_id}")
        try:
            _write_durably(unfinished, content)
            try:
                os.link(unfinished, path)  # unlike a rename, refuses an existing name
            finally:
                unfinished.unlink()
            _sync_directory(path.parent)
        except FileExistsError:
            raise KeyFileError(f"{path} exists already and is never overwritten") from None
        except OSError as error:
            raise KeyFileError(f"{path} cannot be created ({error.strerror})") from None
        return cls(key_id, raw)


def _write_durably(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
