"""What an address of Redis may say, and that both doors would read from it what the library reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.connection import parse_url

from gateway.storage.ephemeral.on_redis.address import RedisAddress, read_address

words = st.text(st.sampled_from("abcXYZ019é _-"), min_size=1, max_size=6)


def quoted(word: str) -> str:
    return "".join(f"%{octet:02X}" for octet in word.encode())


@given(
    st.sampled_from(["redis", "rediss"]),
    st.sampled_from(["localhost", "redis.example.test", "127.0.0.1", "[::1]"]),
    st.none() | st.integers(1, 65535),
    st.none() | st.integers(0, 99),
    st.none() | words,
    st.none() | words,
    st.booleans(),
)
def test_an_address_is_read_as_the_library_reads_it(
    scheme: str, host: str, port: int | None, database: int | None, name: str | None, password: str | None, asked: bool
) -> None:
    who = f"{quoted(name or '')}:{quoted(password)}@" if password else f"{quoted(name)}@" if name else ""
    where = "" if database is None else f"?db={database}" if asked else f"/{database}"
    url = f"{scheme}://{who}{host}{'' if port is None else f':{port}'}{where}"
    ours, theirs = read_address(url), parse_url(url)  # type: ignore[no-untyped-call]
    assert (ours.host, ours.port, ours.database) == (theirs["host"], theirs.get("port", 6379), theirs.get("db", 0))
    assert (ours.username, ours.password) == (theirs.get("username"), theirs.get("password"))
    assert (ours.socket, ours.tls) == (None, scheme == "rediss")


def test_a_unix_socket_is_a_path_and_its_database_an_option() -> None:
    read = read_address("unix:///run/redis/ours%20too.sock?db=3")
    assert (read.socket, read.database, read.tls) == ("/run/redis/ours too.sock", 3, False)


def test_a_password_comes_from_its_file_unless_the_address_names_one() -> None:
    assert read_address("redis://127.0.0.1", "of the file").password == "of the file"
    assert read_address("redis://:named@127.0.0.1", "of the file").password == "named"


def test_the_files_of_tls_are_named_in_the_address() -> None:
    read = read_address("rediss://r.example.test/0?ssl_ca_certs=/a.pem&ssl_certfile=/c.pem&ssl_keyfile=/k.pem")
    assert (read.authorities, read.certificate, read.private_key) == ("/a.pem", "/c.pem", "/k.pem")


@pytest.mark.spec("CRY-06")
@pytest.mark.parametrize(
    "url",
    [
        "rediss://r.example.test/0?ssl_cert_reqs=none",
        "rediss://r.example.test/0?ssl_check_hostname=false",
        "rediss://r.example.test/0?ssl_cert_reqs=",
        "redis://127.0.0.1/0?ssl_ca_certs=/a.pem",
        "redis://127.0.0.1/0?socket_timeout=3600",
        "redis://127.0.0.1/0?retry_on_timeout=yes",
        "redis://127.0.0.1/first",
        "redis://127.0.0.1/0?db=-1",
        "redis://127.0.0.1/0?db=٣",
        "redis://127.0.0.1:port/0",
        "unix://host/run/redis.sock",
        "unix://",
        "http://127.0.0.1/0",
    ],
)
def test_what_would_weaken_a_link_or_is_not_understood_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_address(url)


def test_neither_an_address_nor_a_refusal_shows_a_password() -> None:
    assert "secret" not in repr(read_address("redis://:secret@127.0.0.1/0"))
    for url in ("redis://:secret@127.0.0.1/0?timeout=1", "redis://:secret/x@127.0.0.1/0"):
        with pytest.raises(ValueError, match=r".+") as refused:
            read_address(url)
        assert "secret" not in str(refused.value)


def test_an_address_is_a_value() -> None:
    assert read_address("redis://127.0.0.1:6379/0") == RedisAddress(
        "127.0.0.1", 6379, None, 0, None, None, False, None, None, None
    )
