"""Whose `Client-Cert` header is believed (RFC 9440 §4; WEB-08)."""

import pytest

from gateway.web.certificate_header import CertificateProxy, keep_believed

SECRET = "proxy-secret-" + "s" * 32
PROXY = CertificateProxy(["10.0.0.0/24", "::1"], SECRET)
SAID = {"client-cert": ":AAAA:", "client-cert-chain": ":BBBB:", "accept": "*/*"}


@pytest.mark.spec("WEB-08")
@pytest.mark.parametrize("remote", ["10.0.0.7", "::ffff:10.0.0.7", "::1"])
def test_from_a_proxy_that_proves_itself_it_is_kept_and_the_secret_goes_no_further(remote):
    headers = {**SAID, "client-cert-secret": SECRET}
    keep_believed(headers, remote, PROXY)
    assert headers == SAID


@pytest.mark.spec("WEB-08")
@pytest.mark.parametrize(
    ("remote", "secret", "proxy"),
    [
        ("10.0.1.7", SECRET, PROXY),
        ("", SECRET, PROXY),
        ("unix", SECRET, PROXY),
        ("10.0.0.7", None, PROXY),
        ("10.0.0.7", "", PROXY),
        ("10.0.0.7", SECRET[:-1], PROXY),
        ("10.0.0.7", SECRET + "é", PROXY),
        ("10.0.0.7", SECRET, None),
    ],
)
def test_from_anybody_else_it_is_dropped(remote, secret, proxy):
    headers = dict(SAID) if secret is None else {**SAID, "client-cert-secret": secret}
    keep_believed(headers, remote, proxy)
    assert headers == {"accept": "*/*"}


def test_a_secret_that_could_be_guessed_is_refused():
    with pytest.raises(ValueError, match="32 characters"):
        CertificateProxy(["10.0.0.1"], "short")
