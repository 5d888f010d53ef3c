"""Keys under which attempts are counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.keys.purposes import Purpose, WrongPurposeError
from gateway.signin.policy import SigninPolicy
from gateway.signin.throttle import ThrottleKeys, ip_block
from tests.unit.signin.world import key

KEYS = ThrottleKeys(key(Purpose.THROTTLE))


@given(st.text(max_size=40))
def test_a_key_is_64_hexadecimal_digits_that_say_nothing_of_what_was_typed(typed: str) -> None:
    made = KEYS.typed("password", typed)
    assert len(bytes.fromhex(made)) == 32
    assert 0 <= int(made[0], 16) < 16
    assert made != KEYS.typed("reset", typed)


def test_case_spaces_and_the_national_prefix_do_not_change_the_key() -> None:
    assert KEYS.typed("p", "999 0000 0011") == KEYS.typed("p", "8 999 0000 0011") == KEYS.typed("p", "99900000011")
    assert KEYS.typed("p", " Claire ") == KEYS.typed("p", "claire")
    assert KEYS.typed("p", "claire") != KEYS.typed("p", "denis")


def test_only_the_throttle_key_makes_them() -> None:
    with pytest.raises(WrongPurposeError):
        ThrottleKeys(key(Purpose.LINK))


def test_an_ipv6_subscriber_is_64_bits() -> None:
    assert ip_block("2001:db8:1:2:3:4:5:6") == ip_block("2001:db8:1:2::1") != ip_block("2001:db8:1:3::1")
    assert ip_block("192.0.2.1") == "192.0.2.1"
    assert ip_block("not an address") == "not an address"


def test_five_failures_wait_more_than_a_minute_and_the_bounds_hold() -> None:
    policy = SigninPolicy()
    assert policy.password_delays[:6] == (0, 0, 5, 20, 90, 180)
    assert max(policy.password_delays) == 3600
    assert policy.password_failures.limit <= 25
    assert (policy.session_idle_seconds, policy.session_absolute_seconds) == (1800, 14400)
