"""Answers of the machine endpoints as HTTP: plain JSON, or false ones — errors, pages, redirects, too long, too slow.

The false ones are named by the endpoint: the lie `token_500` concerns `token`, and so on for userinfo, jwks, discovery.
"""

import json
from collections.abc import Iterator
from typing import Any

from flask import Response, redirect
from flask.typing import ResponseReturnValue

from sandbox.psc.conduct import SLOW_FOR_SECONDS, Conduct

HUGE = 16 * 1024 * 1024
_PAGE = "<!doctype html><title>Service</title><p>Le service est momentanément indisponible."


def json_answer(content: Any, status: int = 200) -> Response:
    answer = Response(json.dumps(content, ensure_ascii=False), status, mimetype="application/json")
    answer.headers["Cache-Control"], answer.headers["Pragma"] = "no-store", "no-cache"
    return answer


def answered(conduct: Conduct, endpoint: str, honest: Response, *, elsewhere: str) -> ResponseReturnValue:
    """`honest`, unless the present lie is about the way this endpoint answers. `elsewhere` would give the same."""
    about, _, way = (conduct.lie or "").partition("_")
    if about != endpoint:
        return honest
    waiting = conduct.until_changed()
    match way:
        case "500":
            return json_answer({"error": "unknown_error"}, 500)
        case "401":
            return json_answer({"error": "invalid_token", "error_description": "Token verification failed"}, 401)
        case "400_with_tokens":
            honest.status_code = 400
        case "html":
            return Response(_PAGE, mimetype="text/html")
        case "list":
            return json_answer([json.loads(honest.get_data())])
        case "redirected":
            return redirect(elsewhere, 307 if endpoint == "token" else 302)
        case "huge":
            content = json.loads(honest.get_data())
            return json_answer({**content, "remplissage": "x" * HUGE})
        case "slow":
            waiting.wait(SLOW_FOR_SECONDS)
        case "dripped":
            return Response(_drops(honest.get_data(), waiting), mimetype="application/json")
    return honest


def _drops(content: bytes, waiting: Any) -> Iterator[bytes]:
    pause = 0.2
    for _ in range(int(SLOW_FOR_SECONDS / pause)):
        yield b" "
        if waiting.wait(pause):
            break
    yield content
