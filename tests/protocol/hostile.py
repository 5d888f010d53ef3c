"""What strangers may write where the provider reads: strategies for the fuzz tests, and how much of them is drawn.

A run draws few examples, the same ones each time; `FUZZ_EXAMPLES=5000` draws so many, new ones each time.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

_asked = os.environ.get("FUZZ_EXAMPLES")
BOUNDED = settings(
    max_examples=int(_asked or 25),
    derandomize=_asked is None,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
CPU_SECONDS = 1.0
"""Of one request: beyond is a hang, whatever the machine."""

TEXTS = (
    "", " ", "\0", "a\0b", "\r\nX-Injected: 1", "\r\n\r\n<script>", "é", "\u202e", "\ufeff", "１２３", "²", "٣", "%", "%zz",
    "%00", "+", "&", "=", ";", ",", "..", "//evil.example", "https://evil.example/", "javascript:alert(1)", "none", "openid",
    "null", "true", "[]", "{}", "-1", "0", "1e999", "9" * 5000, "A" * 43, "0" + "A" * 43, "A" * 3000, "a.b.c", "..", "....",
    "eyJhbGciOiJub25lIn0.e30.", "<script>alert(1)</script>", "' OR 1=1 --", "[::1", "http://[v1.x]/", "urn:x:y",
)  # fmt: skip
texts = st.one_of(
    st.sampled_from(TEXTS), st.text(max_size=30), st.text("abc.:/?#[]@!$&'()*+,;=%-_~ \\\0\r\n", max_size=30)
)
octets = st.one_of(texts.map(lambda text: text.encode("utf-8", "surrogatepass")), st.binary(max_size=60))

HALF = "\ud800"
"""Half a character: JSON can write it, nothing else can."""
LITERALS = (
    "1e999", "-1e999", "1" + "0" * 400, "-1" + "0" * 400, "9" * 5000, "0.1", "-0", "NaN", "Infinity", '"\\ud800"', '"\\u0000"',
    "[" * 2000 + "]" * 2000, '{"a":' * 2000 + "1" + "}" * 2000, '{"a":1,"a":2}', "true", "null", '""', "[]", "{}", "[[]]",
)  # fmt: skip
values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), texts, st.just(HALF),
        st.sampled_from([10**400, -(10**400), 2**53, 2**63, 2**64, 1.5, float("inf"), float("-inf")]),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@st.composite
def written(draw: Callable[..., Any], good: dict[str, Any], names: tuple[str, ...] = ()) -> bytes:
    """This object as JSON, with some members changed to anything, left out, or written in ways that no writer writes."""
    members = dict(good)
    for name in draw(st.lists(st.sampled_from([*good, *names]), min_size=1, max_size=2, unique=True)):
        if draw(st.integers(0, 5)) == 0:
            members.pop(name, None)
        else:
            members[name] = draw(values)
    written = json.dumps(members)
    name = draw(st.sampled_from([*good, *names, "extra"]))
    match draw(st.integers(0, 7)):
        case 0:
            literal = draw(st.sampled_from(LITERALS))
            written = json.dumps({key: value for key, value in members.items() if key != name})
            comma = "," if written != "{}" else ""
            written = f"{written[:-1]}{comma}{json.dumps(name)}:{literal}}}"
        case 1:
            written = json.dumps(members, ensure_ascii=False)
        case 2:
            return written.encode(draw(st.sampled_from(["utf-16", "utf-32", "utf-8-sig"])))
        case _:
            pass
    return written.encode("utf-8", "surrogatepass")


@st.composite
def damaged(draw: Callable[..., Any], good: str) -> str:
    """This text with a part cut out, doubled, or written over."""
    start = draw(st.integers(0, len(good)))
    end = draw(st.integers(start, min(len(good), start + 12)))
    return good[:start] + draw(st.one_of(texts, st.just(good[start:end] * 2))) + good[end:]


@contextmanager
def in_time() -> Iterator[None]:
    began = time.process_time()
    yield
    assert time.process_time() - began < CPU_SECONDS
