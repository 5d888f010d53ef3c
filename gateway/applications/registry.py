"""The registered applications of this deployment, read from their files once, and again only when asked (OID-11).

A reload is all or nothing: with one wrong file the applications stay as they were. What changes between two readings is
listed for the person who reviews it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from gateway.applications.client import Client
from gateway.applications.client_file import read_client
from gateway.settings import ConfigurationError


@dataclass(frozen=True, slots=True)
class ChangedKey:
    """One value of one client, as text, before and after."""

    client_id: str
    key: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ClientChanges:
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[ChangedKey, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def read_clients(folder: Path, *, loopback_http: bool) -> Mapping[str, Client]:
    """Every `*.yaml` of `folder`, by client_id; ConfigurationError with one sentence by wrong file."""
    if not folder.is_dir():
        raise ConfigurationError(f"{folder}: this folder of applications does not exist")
    clients: dict[str, Client] = {}
    errors: list[str] = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.suffix not in {".yaml", ".yml"}:
            continue
        if path.suffix == ".yml":
            errors.append(f"{path}: name it {path.stem}.yaml, or it would be overlooked")
            continue
        try:
            client = read_client(path, loopback_http=loopback_http)
        except ConfigurationError as error:
            errors.append(str(error))
        else:
            clients[client.client_id] = client
    errors += [
        f"{folder / client.client_id}.yaml: may_act: {client.may_act} is no application here, or its token_exchange is empty"
        for client in clients.values()
        if client.may_act is not None and not _exchanges(clients.get(client.may_act))
    ]
    errors += [f"{folder / client.client_id}.yaml: {wrong}" for client, wrong in _of_two_sectors(clients.values())]
    if errors:
        raise ConfigurationError("\n".join(errors))
    return clients


def _of_two_sectors(clients: Iterable[Client]) -> Iterator[tuple[Client, str]]:
    """A resource server knows people by the names of one sector (OpenID Connect Core §8.1)."""
    known: dict[str, Client] = {}
    for client in clients:
        if client.redirect_uris or client.sector is not None:
            other = known.setdefault(client.audience, client)
            if other.sector != client.sector:
                yield client, f"audience: {other.client_id} is of another sector; one resource server, one sector"


def _exchanges(actor: Client | None) -> bool:
    return actor is not None and bool(actor.exchanges)


def diff(old: Mapping[str, Client], new: Mapping[str, Client]) -> ClientChanges:
    """What a reviewer has to look at."""
    changed = [
        ChangedKey(client_id, field.name, _text(before), _text(after))
        for client_id in sorted(old.keys() & new.keys())
        for field in fields(Client)
        if (before := getattr(old[client_id], field.name)) != (after := getattr(new[client_id], field.name))
    ]
    return ClientChanges(tuple(sorted(new.keys() - old.keys())), tuple(sorted(old.keys() - new.keys())), tuple(changed))


class ClientRegistry:
    """The `Clients` port over a folder of files; `loopback_http` is true in the demo profile only."""

    def __init__(self, folder: Path, *, loopback_http: bool) -> None:
        self._folder = folder
        self._loopback_http = loopback_http
        self._clients = read_clients(folder, loopback_http=loopback_http)

    def find(self, client_id: str) -> Client | None:
        return self._clients.get(client_id)

    def all(self) -> Sequence[Client]:
        return tuple(self._clients[client_id] for client_id in sorted(self._clients))

    def reload(self) -> ClientChanges:
        """Reads the folder again and says what changed; with a wrong file, raises and changes nothing."""
        clients = read_clients(self._folder, loopback_http=self._loopback_http)
        changes = diff(self._clients, clients)
        self._clients = clients
        return changes


def _text(value: object) -> str:
    if isinstance(value, frozenset):
        return " ".join(sorted(value))
    if isinstance(value, tuple):
        return " ".join(str(item) for item in value)
    if isinstance(value, Mapping):
        return str({name: _text(item) for name, item in value.items()})
    return str(value)
