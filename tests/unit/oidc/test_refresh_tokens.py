"""Sealed facts that were opened once are known again, for their own grant alone."""

from dataclasses import replace

from gateway.keys.purposes import Purpose, PurposeKey
from gateway.oidc import refresh_tokens
from gateway.oidc.ports import Grant
from gateway.oidc.refresh_tokens import PresentedRefreshToken, RefreshTokens
from gateway.randomness import handle, system_randomness


def a_grant() -> Grant:
    return Grant(
        id=handle(system_randomness, 3), account_id="account", session_handle_digest="d" * 64, sid="sid",
        client_id="durable", scope=("openid",), structure=None, auth_time=1.0, acr="acr", amr=("pwd",), expires_at=9.0,
    )  # fmt: skip


def made() -> RefreshTokens:
    return RefreshTokens(PurposeKey(Purpose.REFRESH_TOKEN, b"k" * 32), system_randomness, idle_seconds=5)


def presented(tokens: RefreshTokens, grant: Grant) -> PresentedRefreshToken:
    found = tokens.read(tokens.make(grant, 0, 1.0)[0])
    assert found is not None
    return found


def test_known_facts_are_of_no_other_grant() -> None:
    tokens, grant = made(), a_grant()
    own = presented(tokens, grant)
    assert tokens.grant_of(own) == tokens.grant_of(own) == grant
    assert tokens.grant_of(replace(own, grant_id=a_grant().id)) is None
    assert made().grant_of(own) == grant, "another worker's"


def test_there_is_an_end_to_what_is_known(monkeypatch) -> None:
    monkeypatch.setattr(refresh_tokens, "KNOWN_GRANTS", 2)
    tokens, grants = made(), [a_grant() for _ in range(5)]
    assert [tokens.grant_of(presented(tokens, grant)) for grant in grants] == grants
    assert len(tokens._known) <= 2
