"""Which redirect URIs may be registered, when one matches, how an answer is added."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.oidc.redirect_uri import is_registered, origin_of, why_not_registrable, with_answer

REGISTERED = ("https://app.example/cb", "https://app.example/cb?lang=fr")


@pytest.mark.spec("OID-02")
@given(st.text(max_size=60))
def test_only_a_registered_string_matches(presented):
    assert is_registered(presented, REGISTERED) == (presented in set(REGISTERED))


@pytest.mark.spec("OID-02")
@given(st.sampled_from(REGISTERED), st.integers(0, 30), st.text(min_size=1, max_size=3))
def test_a_registered_uri_with_something_inserted_does_not_match(uri, position, inserted):
    assert not is_registered(uri[:position] + inserted + uri[position:], (uri,))


@pytest.mark.spec("OID-02")
@pytest.mark.parametrize(
    "uri", ["https://app.example/cb", "https://app.example:8443/cb?x=y", "https://[2001:db8::1]/cb"]
)
def test_https_addresses_may_be_registered(uri):
    assert why_not_registrable(uri, loopback_http=False) is None


@pytest.mark.spec("OID-02")
@pytest.mark.parametrize(
    "uri",
    [
        "", "app.example/cb", "/cb", "//app.example/cb", "http://app.example/cb", "ftp://app.example/cb",
        "javascript:alert(1)", "data:text/html,x", "custom-scheme:/cb", "https://app.example/cb#x", "https://*.example/cb",
        "https://app.example/*", "https://user@app.example/cb", "https://user:pw@app.example/cb", "https:///cb",
        "https://App.example/cb", "https://app.example./cb", "https://app.example/a/../cb", "https://app.example/./cb",
        "https://app.example:port/cb", "https://app.example/c b", "https://app.example/\n", "https://app.example/é",
        "https://app.example/" + "x" * 600, "http://localhost/cb", "http://127.0.0.1/cb", "https://app.example\\@evil/",
    ],
)  # fmt: skip
def test_anything_else_may_not(uri):
    assert why_not_registrable(uri, loopback_http=False)


@pytest.mark.spec("OID-02")
def test_plain_http_is_for_loopback_addresses_where_the_profile_allows_it():
    for uri in ("http://localhost:8091/cb", "http://127.0.0.5:8091/cb", "http://[::1]/cb"):
        assert why_not_registrable(uri, loopback_http=True) is None
    for uri in (
        "http://app.example/cb",
        "http://10.0.0.1/cb",
        "http://localhost.evil.example/cb",
        "http://127.0.0.1.nip.io/",
    ):
        assert why_not_registrable(uri, loopback_http=True)


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
