"""An issuer on loopback that the tests own: its keys, what it publishes of them, whether it answers, how often it was asked."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

Key = ECKey | RSAKey
UNKNOWN_CURVE = {"kty": "OKP", "crv": "of nobody", "x": "AA", "kid": "unknown-curve", "use": "sig"}


class LyingIssuer:
    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self.keys: dict[str, Key] = {"first": ECKey.generate_key("P-256"), "rsa": RSAKey.generate_key(2048)}
        self.answers = True
        self.babbles = False
        """What comes is no HTTP, as from a proxy that is being replaced."""
        self.asked = 0
        self.says_issuer = self.issuer

    def document(self, path: str) -> dict[str, Any] | None:
        if not self.answers:
            return None
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.says_issuer, "jwks_uri": f"{self.issuer}/jwks"}
        self.asked += 1
        published = [{**key.as_dict(private=False), "kid": kid, "use": "sig"} for kid, key in self.keys.items()]
        return {"keys": [*published, {"kty": "future", "kid": "unknown-kind"}, UNKNOWN_CURVE]}

    def sign(self, claims: Mapping[str, Any], *, key: Key | None = None, **header: Any) -> str:
        """With the key named by `kid`, unless another is given. A header member of None is left out."""
        return self.sign_text(json.dumps(claims), key=key, **header)

    def sign_text(self, claims: str, *, key: Key | None = None, **header: Any) -> str:
        said = {"alg": "ES256", "typ": "at+jwt", "kid": "first", **header}
        said = {name: value for name, value in said.items() if value is not None}
        signing = key or self.keys[str(said["kid"])]
        registry = jws.JWSRegistry(algorithms=["ES256", "RS256"], strict_check_header=False)
        return jws.serialize_compact(said, claims, signing, registry=registry)


@contextmanager
def lying_issuer() -> Iterator[LyingIssuer]:
    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if issuer.babbles:
                self.wfile.write(b"no HTTP at all\r\n\r\n")
                return
            said = issuer.document(self.path)
            self.send_response(503 if said is None else 200)
            self.end_headers()
            self.wfile.write(json.dumps(said or {}).encode())

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    issuer = LyingIssuer(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
