"""Reads one reviewed YAML file of `idp_config/` and says in sentences what is wrong with it.

Refuses unknown keys, keys written twice (YAML would silently keep the last one), secrets, and files too large to have been
written by people. A file is accepted whole or not at all.
"""

import hashlib
from collections.abc import Hashable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from gateway.settings import ConfigurationError, where_yaml_breaks

MAX_OCTETS = 256 * 1024


class Declared(BaseModel):
    """A part of such a file: no unknown key, nothing converted silently."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


Model = TypeVar("Model", bound=Declared)


class _Loader(yaml.CSafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key} is written twice", node.start_mark)
        return super().construct_mapping(node, deep)


def read_declared(path: Path, model: type[Model]) -> tuple[Model, str]:
    """The file as a `model`, and the SHA-256 of its bytes (hexadecimal); ConfigurationError otherwise."""
    try:
        with path.open("rb") as file:
            octets = file.read(MAX_OCTETS + 1)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror})") from None
    if len(octets) > MAX_OCTETS:
        raise ConfigurationError(f"{path}: is larger than {MAX_OCTETS} bytes")
    try:
        raw = yaml.load(octets.decode("utf-8"), Loader=_Loader)  # noqa: S506 -- a SafeLoader
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: is not UTF-8") from None
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigurationError(f"{path}: is not YAML: {where_yaml_breaks(error)}") from None
    if not isinstance(raw, dict):
        raise ConfigurationError(f"{path}: write `key: value` lines")
    try:
        return model.model_validate(raw), hashlib.sha256(octets).hexdigest()
    except ValidationError as error:
        raise ConfigurationError("\n".join(f"{path}: {_sentence(item)}" for item in error.errors())) from None


def _sentence(error: Any) -> str:
    key = ".".join(str(part) for part in error["loc"])
    match error["type"]:
        case "extra_forbidden" if any(word in key.lower() for word in ("secret", "password", "private_key")):
            return f"{key}: no secret stands in this file; secrets are made and kept by `passerelle rotate`"
        case "extra_forbidden":
            return f"{key}: no such key"
        case "missing":
            return f"{key}: this key is missing"
        case _:
            message = str(error["msg"]).removeprefix("Value error, ")
            return f"{key}: {message}" if key else message
