"""Resource indicators (RFC 8707): named once or several times, at each place where a request may name them, and said alike."""

from collections.abc import Callable, Mapping

import pytest

from gateway.oidc.grants.token_exchange import NAME as EXCHANGE
from tests.protocol import signed_requests
from tests.protocol.negative_cases import ACCESS_TOKEN
from tests.protocol.provider import Provider, answer_of, claims_of, json_of, parameters

OWN = "https://orientation.example/api"
OTHER = "https://autre.example/api"
SIGNED = "https://signant.example/api"
NOTIF = "https://notif.example/api"


def named(*resources: str) -> tuple[tuple[str, str], ...]:
    return tuple(("resource", one) for one in resources)


def at_authorize(provider: Provider, *resources: str) -> Mapping[str, object]:
    return answer_of(provider.authorize(*named(*resources)))


def at_par(provider: Provider, *resources: str) -> Mapping[str, object]:
    pushed = json_of(provider.push(*named(*resources)))
    if "error" in pushed:
        return pushed
    beside = {"client_id": "orientation", "request_uri": pushed["request_uri"]}
    return answer_of(provider.authorize(**{**dict.fromkeys(parameters()), **beside}))


def in_an_object(provider: Provider, *resources: str) -> Mapping[str, object]:
    listed = [SIGNED if one == OWN else one for one in resources]
    return answer_of(provider.authorize(**signed_requests.signed_request(provider, resource=listed)))


def in_a_pushed_object(provider: Provider, *resources: str) -> Mapping[str, object]:
    listed = [SIGNED if one == OWN else one for one in resources]
    asked = {**signed_requests.signed_request(provider, resource=listed)}
    return json_of(provider.push(**asked))


def with_a_code(provider: Provider, *resources: str) -> Mapping[str, object]:
    return json_of(provider.token(*named(*resources), code=provider.code()))


def with_a_refresh_token(provider: Provider, *resources: str) -> Mapping[str, object]:
    token = provider.begin("durable", scope="openid")["refresh_token"]
    listed = ["https://durable.example/api" if one == OWN else one for one in resources]
    fields = {"grant_type": "refresh_token", "refresh_token": token}
    return json_of(provider.token(*named(*listed), client_id="durable", **fields))


def for_a_service(provider: Provider, *resources: str) -> Mapping[str, object]:
    listed = ["https://service.example/api" if one == OWN else one for one in resources]
    return json_of(provider.token(*named(*listed), client_id="service", grant_type="client_credentials"))


def by_exchange(provider: Provider, *resources: str) -> Mapping[str, object]:
    fields = {"subject_token": provider.begin("facade", scope="openid ror")["access_token"]}
    fields |= {"grant_type": EXCHANGE, "subject_token_type": ACCESS_TOKEN}
    listed = [NOTIF if one == OWN else one for one in resources]
    return json_of(provider.token(*named(*listed), client_id="relais", **fields))


DOORS: tuple[Callable[..., Mapping[str, object]], ...] = (
    at_authorize, at_par, in_an_object, in_a_pushed_object, with_a_code, with_a_refresh_token, for_a_service, by_exchange,
)  # fmt: skip


@pytest.fixture
def signed_in(provider: Provider) -> Provider:
    provider.sign_in()
    return provider


@pytest.mark.spec("RFC 8707 §2", "TOK-04")
@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
@pytest.mark.parametrize("times", [1, 2, 20])
def test_the_same_resource_may_be_named_as_often_as_one_likes(signed_in, door, times):
    assert "error" not in door(signed_in, *[OWN] * times)


@pytest.mark.spec("RFC 8707 §2", "TOK-04")
@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
@pytest.mark.parametrize(
    "resources", [(OWN, OTHER), (OTHER, OWN), (OTHER, OTHER), (OWN, f"{OWN}#"), (OWN, "api")], ids=str
)
def test_another_one_beside_it_is_an_invalid_target_and_never_a_duplicate(signed_in, door, resources):
    """An access token has one audience: whoever asks for two gets none."""
    said = door(signed_in, *resources)
    assert said["error"] == "invalid_target"
    assert "more than once" not in str(said["error_description"])
    assert not {"code", "access_token", "request_uri"} & set(said)


@pytest.mark.spec("RFC 8707 §2.2", "OID-04")
def test_a_code_refused_for_its_target_is_not_spent(signed_in):
    code = signed_in.code()
    assert json_of(signed_in.token(*named(OWN, OTHER), code=code))["error"] == "invalid_target"
    tokens = json_of(signed_in.token(*named(OWN, OWN), code=code))
    assert claims_of(tokens["access_token"])["aud"] == OWN


def test_an_empty_one_names_nothing(signed_in):
    assert "access_token" in json_of(signed_in.token(*named("", ""), code=signed_in.code()))
    assert by_exchange(signed_in, "", "")["error"] == "invalid_request"


@pytest.mark.spec("RFC 8693 §2.1")
def test_an_exchange_may_name_its_one_service_in_both_ways_and_several_times(signed_in):
    subject = signed_in.begin("facade", scope="openid ror")["access_token"]
    fields = {"grant_type": EXCHANGE, "subject_token": subject, "subject_token_type": ACCESS_TOKEN}
    both = (("audience", NOTIF), ("audience", NOTIF), *named(NOTIF, NOTIF))
    tokens = json_of(signed_in.token(*both, client_id="relais", **fields))
    assert claims_of(tokens["access_token"])["aud"] == NOTIF
    for more in (("audience", OTHER), ("resource", OTHER)):
        said = json_of(signed_in.token(*both, more, client_id="relais", **fields))
        assert said["error"] == "invalid_target"


@pytest.mark.spec("OID-15")
def test_an_audience_twice_means_something_in_an_exchange_alone(signed_in):
    twice = (("audience", OWN), ("audience", OWN))
    code = signed_in.code()
    assert json_of(signed_in.token(*twice, code=code))["error"] == "invalid_request"
    assert signed_in.token(code=code).status == 200
    for path in ("/revoke", "/introspect"):
        for more in (twice, named(OWN, OWN)):
            assert json_of(signed_in.form(path, *more, token="x"))["error"] == "invalid_request"
