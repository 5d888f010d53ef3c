"""When a redirect URI is a client's own, how an answer is added. Which may be registered: tests/unit/applications."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.oidc.redirect_uri import is_redirect_uri_of, is_registered, origin_of, with_answer
from tests.protocol.provider import client

REGISTERED = ("https://app.example/cb", "https://app.example/cb?lang=fr")
ON_DEVICES = ("http://127.0.0.1/cb", "http://[::1]/a/cb?lang=fr", "https://app.example/cb")
NATIVE = client(redirect_uris=ON_DEVICES, native=True)


@pytest.mark.spec("OID-02")
@given(st.text(max_size=60))
def test_only_a_registered_string_matches(presented):
    assert is_registered(presented, REGISTERED) == (presented in set(REGISTERED))


@pytest.mark.spec("OID-02")
@given(st.sampled_from(REGISTERED), st.integers(0, 30), st.text(min_size=1, max_size=3))
def test_a_registered_uri_with_something_inserted_does_not_match(uri, position, inserted):
    altered = uri[:position] + inserted + uri[position:]
    assert not is_registered(altered, (uri,))
    for native in (False, True):
        assert not is_redirect_uri_of(client(redirect_uris=(uri,), native=native), altered)


@pytest.mark.spec("OID-02", "RFC 8252 §7.3")
@given(port=st.integers(1, 65535))
def test_a_native_application_is_answered_on_any_port_of_its_loopback_addresses(port):
    for presented in (f"http://127.0.0.1:{port}/cb", f"http://[::1]:{port}/a/cb?lang=fr"):
        assert is_redirect_uri_of(NATIVE, presented)
        assert not is_redirect_uri_of(client(redirect_uris=ON_DEVICES), presented)
    for registered in ON_DEVICES:
        assert is_redirect_uri_of(NATIVE, registered)
    assert not is_redirect_uri_of(NATIVE, f"https://app.example:{port}/cb")


@pytest.mark.spec("OID-02", "RFC 8252 §7.3")
@given(st.sampled_from(ON_DEVICES[:2]), st.integers(0, 40), st.text(min_size=1, max_size=4), st.integers(0, 3))
def test_nothing_but_a_port_may_be_put_into_a_loopback_address(uri, position, inserted, removed):
    altered = uri[:position] + inserted + uri[position + removed :]
    host_end = uri.index("/", len("http://"))
    is_port = (
        altered.startswith(f"{uri[:host_end]}:")
        and altered.endswith(uri[host_end:])
        and (port := altered[host_end + 1 : len(altered) - len(uri) + host_end]).isascii()
        and port.isdigit()
        and not port.startswith("0")
        and int(port) <= 65535
    )
    assert is_redirect_uri_of(NATIVE, altered) == (is_port or altered in ON_DEVICES)


@pytest.mark.spec("OID-15", "WEB-04")
@given(st.sampled_from(REGISTERED), st.text(st.characters(codec="utf-8")))
def test_an_answer_starts_with_the_registered_uri_and_gives_the_state_back_as_it_was(uri, state):
    answered = with_answer(uri, {"state": state, "code": None})
    assert answered.startswith(uri)
    assert answered.isascii()
    assert not set(answered) & set("\r\n\0 ")
    assert ("state", state) in parse_qsl(urlsplit(answered).query, keep_blank_values=True)


def test_the_origin_is_written_as_browsers_write_it():
    assert origin_of("https://app.example:8443/cb?x=y") == "https://app.example:8443"
    assert origin_of("https://app.example:443/cb") == "https://app.example"
    assert origin_of("http://localhost:80/cb") == "http://localhost"
    assert origin_of("http://localhost:443/cb") == "http://localhost:443"
