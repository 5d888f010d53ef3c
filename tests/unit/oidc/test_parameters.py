"""Parameters that need no decoding are read a shorter way, with the same outcome."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.oidc.parameters import MAX_PARAMETERS, MalformedParameters, read_parameters

PLAIN = st.text(st.sampled_from("ab=&;._-~ \t\r\n\0/:#?"), max_size=40)


@given(PLAIN)
@example("")
@example("&&a&=b&c==d&e=")
def test_what_is_not_encoded_reads_as_ever(text: str) -> None:
    long_way = parse_qsl(text, keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=MAX_PARAMETERS)
    assert read_parameters(text.encode()).pairs == tuple(long_way)


@pytest.mark.parametrize("name", ["a", "a%62"], ids=["plain", "encoded"])
def test_too_many_are_refused_either_way(name: str) -> None:
    kept = "&".join(f"{name}{number}=1" for number in range(MAX_PARAMETERS))
    assert len(read_parameters(kept.encode())) == MAX_PARAMETERS
    with pytest.raises(MalformedParameters):
        read_parameters(f"{kept}&".encode())


def test_what_came_twice_or_empty_is_not_there() -> None:
    parameters = read_parameters(b"a=1&b=2&b=3&c=")
    assert dict(parameters) == {"a": "1"}
    assert [parameters.get(name) for name in "abcd"] == ["1", None, None, None]
    assert parameters.get("b", "0") == "0"
    assert "a" in parameters
    assert "b" not in parameters
