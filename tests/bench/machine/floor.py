"""The floors: what is left of the four operations when the product is taken away, over real HTTP and with a real Redis step.

One uvloop protocol that knows no header but Authorization, ES256 packed by hand, orjson. It compares the client's secret,
signs, and makes one atomic step of Redis; it checks nothing else, journals nothing and reads no right. They differ in the trip
to Redis alone: `floor` asks as the floors of the reference do, by one blocking exchange of raw RESP on one socket for each
request; `floor_bare_loop` shares its writes and readings among the requests of one turn of the loop. Started as
`python -m tests.bench.machine.floor`.
"""

import asyncio
import base64
import hashlib
import hmac
import os
import secrets
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, cast
from urllib.parse import parse_qsl

import hiredis
import orjson
import redis
import uvloop
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.bench import measure
from tests.bench.machine.operations import CLIENT_SECRET, CODE, CODE_CHALLENGE, INTROSPECTION, REFRESH, Operation

ROTATE = """local found = redis.call('GET', KEYS[1])
if not found then return false end
redis.call('SET', KEYS[2], '1', 'EX', 86400)
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[3], found, 'EX', 86400)
return found"""
ROTATE_SHA = hashlib.sha1(ROTATE.encode(), usedforsecurity=False).hexdigest()
_SECRET = hashlib.sha256(CLIENT_SECRET.encode()).digest()
_ES256 = ec.ECDSA(hashes.SHA256())
FLOOR, BARE_LOOP = "floor", "floor_bare_loop"


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def _base64url(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


class Issuer:
    def __init__(self, filling: dict[str, int]) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._filling = {name: "x" * octets for name, octets in filling.items()}
        self._heads = {
            typ: _base64url(orjson.dumps({"alg": "ES256", "kid": "floor", "typ": typ})) + b"."
            for typ in ("at+jwt", "JWT")
        }

    def token(self, kind: str, subject: str) -> str:
        now = int(time.time())
        claims = {
            "iss": "http://localhost", "sub": subject, "aud": "https://api.floor.test", "iat": now, "exp": now + 600,
            "jti": secrets.token_urlsafe(16), "filling": self._filling[kind],
        }  # fmt: skip
        signed = self._heads["JWT" if kind == "id" else "at+jwt"] + _base64url(orjson.dumps(claims))
        r, s = decode_dss_signature(self._key.sign(signed, _ES256))
        return (signed + b"." + _base64url(r.to_bytes(32, "big") + s.to_bytes(32, "big"))).decode()


class Store(Protocol):
    def ask(self, then: Callable[[Any], None], *command: str | bytes) -> None: ...


class BlockingStore:
    """One raw exchange for each command: nothing else happens until its reply is there."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = hiredis.Reader()

    def ask(self, then: Callable[[Any], None], *command: str | bytes) -> None:
        self._socket.sendall(hiredis.pack_command(command))  # type: ignore[arg-type]
        while (reply := self._reader.gets()) is False:
            self._reader.feed(self._socket.recv(65536))
        then(reply)


class LoopStore(asyncio.Protocol):
    """Commands of one turn of the loop leave in one write."""

    def __init__(self) -> None:
        self._reader, self._waiting, self._unsent = hiredis.Reader(), deque[Callable[[Any], None]](), list[bytes]()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while self._waiting and (reply := self._reader.gets()) is not False:
            self._waiting.popleft()(reply)

    def ask(self, then: Callable[[Any], None], *command: str | bytes) -> None:
        self._waiting.append(then)
        self._unsent.append(hiredis.pack_command(command))  # type: ignore[arg-type]
        if len(self._unsent) == 1:
            asyncio.get_running_loop().call_soon(self._send)

    def _send(self) -> None:
        self._transport.write(b"".join(self._unsent))
        self._unsent = []


class Door(asyncio.Protocol):
    def __init__(self, store: Store, issuer: Issuer) -> None:
        self._store, self._issuer = store, issuer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._received = b""

    def data_received(self, data: bytes) -> None:
        head, separator, body = (self._received + data).partition(b"\r\n\r\n")
        length = head.lower().rpartition(b"content-length:")[2].partition(b"\r\n")[0]
        if not separator or len(body) < int(length or b"0"):
            self._received += data
            return
        self._received = b""
        presented = head.partition(b"Authorization: Basic ")[2].partition(b"\r\n")[0]
        secret = base64.b64decode(presented).partition(b":")[2]
        if not hmac.compare_digest(hashlib.sha256(secret).digest(), _SECRET):
            self._transport.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
            return
        self._serve(head.startswith(b"POST /introspect"), dict(parse_qsl(body.decode())))

    def _serve(self, introspection: bool, form: dict[str, str]) -> None:
        if introspection:
            self._store.ask(self._introspected, "GET", f"floor:at:{_digest(form['token'])}")
        elif form["grant_type"] == "client_credentials":
            token = self._issuer.token("service", "bench")
            answer = {"access_token": token, "token_type": "Bearer", "expires_in": 600, "scope": "read"}
            self._store.ask(lambda _: self._answer(answer), "SET", f"floor:t:{token[-43:]}", "bench", "EX", "600")
        else:
            kind = "code" if "code" in form else "rt"
            if kind == "code" and _challenge(form["code_verifier"]) != CODE_CHALLENGE:
                return
            spent, successor = _digest(form.get("code") or form["refresh_token"]), secrets.token_urlsafe(32)
            keys = (f"floor:{kind}:{spent}", f"floor:spent:{spent}", f"floor:rt:{_digest(successor)}")
            self._store.ask(lambda found: self._rotated(found, successor), "EVALSHA", ROTATE_SHA, "3", *keys)

    def _introspected(self, found: bytes | None) -> None:
        self._answer({**orjson.loads(found), "active": True} if found else {"active": False})

    def _rotated(self, found: bytes | None, successor: str) -> None:
        if found is None:
            self._transport.abort()
            return
        subject = orjson.loads(found)["sub"]
        access, identity = self._issuer.token("access", subject), self._issuer.token("id", subject)
        self._answer(
            {
                "access_token": access, "id_token": identity, "refresh_token": successor, "token_type": "Bearer",
                "expires_in": 600, "scope": "openid",
            }
        )  # fmt: skip

    def _answer(self, answer: dict[str, Any]) -> None:
        if self._transport.is_closing():
            return
        body = orjson.dumps(answer)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: "
        self._transport.write(head + str(len(body)).encode() + b"\r\n\r\n" + body)


def _challenge(verifier: str) -> str:
    return _base64url(hashlib.sha256(verifier.encode()).digest()).decode()


async def _serve(name: str, port: int, redis_port: int, filling: dict[str, int]) -> None:
    loop = asyncio.get_running_loop()
    store: Store
    if name == FLOOR:
        store = BlockingStore(redis_port)
    else:
        _, store = await loop.create_connection(LoopStore, "127.0.0.1", redis_port)
    issuer = Issuer(filling)
    server = await loop.create_server(lambda: Door(store, issuer), "127.0.0.1", port)
    await server.serve_forever()


class Floor:
    """What the campaign sees of it. `octets`: how long its filling claims are."""

    def __init__(self, name: str, folder: Path, redis_port: int, octets: dict[str, int]) -> None:
        self.name = name
        self._folder, self._redis_port, self._octets = folder, redis_port, octets
        self._port = measure.free_port()
        self._store = redis.Redis(port=redis_port)
        self._store.script_load(ROTATE)

    def start(self) -> measure.Process:
        environment = {"FLOOR": orjson.dumps([self.name, self._port, self._redis_port, self._octets]).decode()}
        self.process = measure.Process(
            [sys.executable, "-m", "tests.bench.machine.floor"],
            core=measure.SERVER_CORE,
            log=self._folder / f"{self.name}.log",
            environment=environment,
        )
        return self.process

    @property
    def pid(self) -> int:
        return self.process.pid

    def url(self, operation: Operation) -> str:
        return f"http://127.0.0.1:{self._port}{'/introspect' if operation is INTROSPECTION else '/token'}"

    def pool(self, operation: Operation, count: int) -> Sequence[str]:
        kind = {CODE.name: "code", REFRESH.name: "rt", INTROSPECTION.name: "at"}[operation.name]
        values = [secrets.token_urlsafe(32) for _ in range(count)]
        record = {
            "sub": "a-fictitious-person-of-the-bench-0000", "client_id": "bench", "iss": "http://localhost", "iat": 0, "exp": 0,
            "scope": "openid", "token_type": "Bearer",
        }  # fmt: skip
        with self._store.pipeline(transaction=False) as pipeline:
            for value in values:
                pipeline.set(f"floor:{kind}:{_digest(value)}", orjson.dumps(record), ex=86400)
            pipeline.execute()
        return values


if __name__ == "__main__":
    uvloop.run(_serve(*orjson.loads(os.environ["FLOOR"])))
