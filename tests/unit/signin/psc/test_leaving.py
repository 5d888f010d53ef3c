"""Where the browser goes to leave Pro Santé Connect, and what it may come back with."""

from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.signin.psc.logout import UndeclaredPostLogoutUriError, end_session_address, is_our_return
from tests.unit.signin.psc.honest_psc import environment

LEFT = "https://connexion.exemple.fr/signin/psc/logged-out"


@pytest.mark.spec("PSC-07", "PSC-R23")
def test_the_address_carries_the_hint_the_declared_way_back_and_a_state() -> None:
    address = end_session_address(
        environment(), id_token="head.pay+load.sig", post_logout_redirect_uri=LEFT, state="the state"
    )
    assert address.startswith(f"{environment().end_session_endpoint}?")
    assert parse_qs(urlsplit(address).query) == {
        "id_token_hint": ["head.pay+load.sig"],
        "post_logout_redirect_uri": [LEFT],
        "state": ["the state"],
    }


@pytest.mark.spec("PSC-07")
@pytest.mark.parametrize("uri", [f"{LEFT}/", LEFT.upper(), f"{LEFT}?a=1", "", "https://liar.test/"])
def test_another_way_back_is_never_sent(uri: str) -> None:
    with pytest.raises(UndeclaredPostLogoutUriError):
        end_session_address(environment(), id_token="a.b.c", post_logout_redirect_uri=uri, state="s")


@pytest.mark.spec("PSC-R23")
def test_a_return_without_state_is_borne_and_another_state_is_not_ours() -> None:
    assert is_our_return("s", expected_state="s")
    assert is_our_return(None, expected_state="s")
    assert not is_our_return("", expected_state="s")
    assert not is_our_return("é", expected_state="s")
