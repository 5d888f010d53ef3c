"""Applications built on two unrelated libraries, neither of the family that the gateway is built on, meet the real demo.

The person signs in through the pages, as forms; everything an application does is done by its library, which also judges
what it receives.
"""

import base64
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from tests.interoperability.on_openid_client import FOLDER, OnOpenidClient
from tests.interoperability.person import ADDRESSES, Person
from tests.interoperability.relying_party import RefusedError, Registration, RelyingParty

pytestmark = pytest.mark.xdist_group("interoperability")

OpenidClient = Callable[[Registration], AbstractContextManager[OnOpenidClient]]
Library = Callable[[Registration], AbstractContextManager[RelyingParty]]


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("method", "username"),
    [("client_secret_basic", "n.benali"), ("client_secret_post", "k.haddad"), ("none", "e.marchand")],
)
def test_a_person_signs_in_is_known_and_signs_out(
    library: Library,
    registrations: dict[str, Registration],
    person: Callable[[str], Person],
    method: str,
    username: str,
) -> None:
    registration, somebody = registrations[method], person(username)
    with library(registration) as application:
        request = application.begin()
        asked = parse_qs(urlsplit(request).query)
        assert asked["code_challenge_method"] == ["S256"]
        assert {"state", "nonce", "code_challenge"} < set(asked)

        came_back = somebody.signs_in(request)
        assert came_back.startswith(f"{registration.redirect_uri}?")
        assert parse_qs(urlsplit(came_back).query)["iss"] == [registration.issuer]
        signed_in = application.finish(came_back)

        assert _header(signed_in.id_token)["alg"] == "ES256"
        assert signed_in.claims["iss"] == registration.issuer
        assert signed_in.claims["nonce"] == asked["nonce"][0]
        assert signed_in.claims["acr"] == "urn:passerelle:acr:pwd-otp-mail"
        told = application.userinfo()
        assert told["sub"] == signed_in.claims["sub"]
        assert told["email"] == ADDRESSES[username]

        left = somebody.browser.open(application.logout("good-bye"))
        assert left == f"{registration.page}?state=good-bye"
        assert somebody.browser.status == 200
        assert "Se connecter" in somebody.browser.html
        with pytest.raises(RefusedError, match="invalid_token"):
            application.userinfo()


@pytest.mark.timeout(240)
@pytest.mark.spec("OID-18")
def test_an_application_of_the_fapi_2_profile_is_served_by_a_library_that_follows_it(
    registrations: dict[str, Registration], person: Callable[[str], Person], openid_client: OpenidClient
) -> None:
    with openid_client(registrations["private_key_jwt"]) as application:
        request = application.begin()
        assert set(parse_qs(urlsplit(request).query)) == {"client_id", "request_uri"}
        signed_in = application.finish(person("n.benali").signs_in(request))
        assert application.userinfo()["sub"] == signed_in.claims["sub"]
        first, second = application.refresh(), application.refresh()
        assert first["token_type"].lower() == "dpop"
        assert first["kept"] == second["kept"]
        assert application.userinfo()["sub"] == signed_in.claims["sub"]


@pytest.mark.spec("RFC 9207 §2")
def test_a_response_in_the_name_of_another_issuer_is_refused_and_the_true_one_still_works(
    library: Library, registrations: dict[str, Registration], person: Callable[[str], Person]
) -> None:
    registration = registrations["client_secret_basic"]
    with library(registration) as application:
        came_back = person("n.benali").signs_in(application.begin())
        true, false = (quote(issuer, safe="") for issuer in (registration.issuer, "http://localhost:1"))
        assert true in came_back
        with pytest.raises(RefusedError):
            application.finish(came_back.replace(true, false))
        assert application.finish(came_back).claims["aud"] in ("orientation", ["orientation"])


def test_a_person_who_gives_up_comes_back_with_an_error_that_the_library_understands(
    library: Library, registrations: dict[str, Registration], person: Callable[[str], Person]
) -> None:
    with library(registrations["client_secret_basic"]) as application:
        came_back = person("n.benali").gives_up(application.begin())
        with pytest.raises(RefusedError, match="access_denied"):
            application.finish(came_back)


def test_a_code_is_not_exchanged_with_a_wrong_secret(
    library: Library, registrations: dict[str, Registration], person: Callable[[str], Person]
) -> None:
    known = registrations["client_secret_post"]
    wrong = Registration(known.issuer, known.client_id, "x" * 43, known.method, known.redirect_uri, known.page)
    with library(wrong) as application:
        came_back = person("k.haddad").signs_in(application.begin())
        with pytest.raises(RefusedError, match="invalid_client"):
            application.finish(came_back)


def test_the_packages_of_node_are_pinned_by_hash_and_name_no_registry() -> None:
    lock = (FOLDER / "package-lock.json").read_text("utf-8")
    packages = {name: said for name, said in json.loads(lock)["packages"].items() if name}
    assert packages
    assert all(said["integrity"].startswith("sha512-") for said in packages.values())
    assert "://" not in lock


def _header(token: str) -> dict[str, str]:
    encoded = token.partition(".")[0]
    header: dict[str, str] = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    return header
