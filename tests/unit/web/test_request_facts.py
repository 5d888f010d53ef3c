"""Who speaks to us: only what a trusted proxy says is believed, and never about our own name."""

import pytest

from gateway.web.request_facts import agent_hash, networks, peer_address
from tests.unit.web.world import HANDLE, LINK, Door

PROXIES = networks(["10.0.0.0/8", "fd00::/8"])


TYPED = {"identifier": "camille.duval", "password": "faux"}


@pytest.mark.spec("WEB-06")
@pytest.mark.parametrize(
    ("remote", "forwarded", "address"),
    [
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["192.0.2.66, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["192.0.2.66", "198.51.100.1, 10.9.9.9"], "198.51.100.1"),
        ("10.0.0.1", ["10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1, unknown"], "10.0.0.1"),
        ("::ffff:10.0.0.1", ["2001:db8::1"], "2001:db8::1"),
        ("fd00::1", ["2001:DB8:0::1"], "2001:db8::1"),
        ("", ["198.51.100.1"], ""),
    ],
)
def test_the_address_is_the_last_hop_that_is_not_ours(remote: str, forwarded: list[str], address: str) -> None:
    assert peer_address(remote, forwarded, PROXIES) == address


@pytest.mark.spec("WEB-06")
def test_a_stranger_cannot_choose_the_address_that_the_rules_see(door: Door) -> None:
    lie = {"X-Forwarded-For": "192.0.2.66", "X-Real-IP": "192.0.2.66", "Forwarded": "for=192.0.2.66"}
    token = door.token(door.client, f"/signin/{HANDLE}/password")
    door.client.post(f"/signin/{HANDLE}/password", data={"form_token": token, **TYPED}, headers=lie)
    assert door.password.contexts[0].ip == "127.0.0.1"


@pytest.mark.spec("WEB-06")
def test_a_trusted_proxy_is_believed() -> None:
    door = Door(trusted_proxies=["127.0.0.1/32"])
    token = door.token(door.client, f"/signin/{HANDLE}/password")
    headers = {"X-Forwarded-For": "198.51.100.7"}
    door.client.post(f"/signin/{HANDLE}/password", data={"form_token": token, **TYPED}, headers=headers)
    assert door.password.contexts[0].ip == "198.51.100.7"


@pytest.mark.spec("WEB-06")
@pytest.mark.parametrize(
    "path", ["/", "/signin", f"/signin/{HANDLE}", f"/reset/{LINK}", "", "//signin", "/signin/", "/nowhere"]
)
def test_no_header_changes_our_own_name(path: str) -> None:
    door = Door(trusted_proxies=["127.0.0.1/32"])
    lies = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "gopher",
        "X-Forwarded-Prefix": "/evil",
        "Host": "evil.example",
    }
    response = door.app.test_client().get("/", headers=lies, environ_overrides={"PATH_INFO": path})
    assert "evil" not in str(response.headers) + response.get_data(as_text=True)
    assert "gopher" not in str(response.headers)
    assert response.headers.get("Location", "/").startswith("/")
    assert not response.headers.get("Location", "/").startswith("//")


def test_the_user_agent_is_kept_as_a_short_hash() -> None:
    assert len(agent_hash("Mozilla/5.0")) == 16
    assert agent_hash("Mozilla/5.0") != agent_hash("")
