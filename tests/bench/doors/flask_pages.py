"""Door (b): the token endpoint inside Flask, and the pages that stand beside a machine door.

* `/pages/empty` costs nothing but the machinery;
* `/pages/hash` keeps a thread about 50 ms without the interpreter lock, as a password check does;
* `/pages/render` keeps the lock about 10 ms, as a page built from a large template does;
* `/pages/wait` keeps a thread one second for nothing, as a page that asks another system does on a bad day.
"""

import functools
import threading

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from flask import Flask, Response, request

from tests.bench.doors import endpoint, stores

app = Flask(__name__)


@functools.cache  # first use: a process that only serves pages opens no connection to the store
def _machine_door() -> tuple[stores.SyncStore, object]:
    return stores.sync_store(), endpoint.signer_from_environment()


@app.post("/flask/token")
def token() -> Response:
    store, sign = _machine_door()
    status = 200
    try:
        issued = endpoint.prepare(request.form.to_dict(), sign)  # type: ignore[arg-type]
        store.remember(issued)
        body = endpoint.success(issued, request.form.get("scope", ""))
    except endpoint.Refusal as refusal:
        status, body = refusal.status, endpoint.failure(refusal)
    return Response(body, status, endpoint.JSON_HEADERS)


@app.get("/pages/empty")
def empty() -> Response:
    return Response("ok", mimetype="text/plain")


@app.get("/pages/hash")
def hash_twice() -> Response:
    for _ in range(2):
        Argon2id(salt=b"0123456789abcdef", length=32, iterations=2, lanes=1, memory_cost=19456).derive(b"mot de passe")
    return Response("ok", mimetype="text/plain")


@app.get("/pages/render")
def render() -> Response:
    return Response(str(sum(number * number % 7 for number in range(120_000))), mimetype="text/plain")


@app.get("/pages/wait")
def wait() -> Response:
    threading.Event().wait(1.0)
    return Response("ok", mimetype="text/plain")
