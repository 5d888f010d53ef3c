"""What the gateway leans on goes away in the middle of a sign-in: a page says what to do, and no factor is ever skipped."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from tests.faults.deployment import Deployment, crowd, deployment, wait_until
from tests.faults.visitor import Answer, Visitor, code_in
from tests.redis_server import running_redis

PEOPLE = crowd(6)
SESSION = "__Host-session"
INCIDENT = re.compile(r"[A-Z2-7]{4}-[A-Z2-7]{4}")


@pytest.fixture
def redis_and_gateway(tmp_path: Path) -> Iterator[tuple[str, Deployment]]:
    (tmp_path / "redis").mkdir()
    (tmp_path / "gateway").mkdir()
    with (
        running_redis(tmp_path / "redis") as url,
        deployment(tmp_path / "gateway", people=PEOPLE, ephemeral_url=url) as gateway,
    ):
        gateway.serve()
        gateway.start("jobs")
        yield url, gateway
        assert "Traceback" not in gateway.log("serve"), gateway.log("serve")[-4000:]


def process_of(url: str) -> int:
    with redis.Redis.from_url(url, protocol=2) as link:
        return int(link.info("server")["process_id"])


def code_of(gateway: Deployment, person: dict[str, str]) -> str:
    return code_in(wait_until(lambda: gateway.codes(person["email"]), "the code comes by mail")[-1].text)


def says_what_to_do(answer: Answer) -> None:
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["cache-control"] == "no-store"
    assert INCIDENT.search(answer.text)
    assert "Réessayez" in answer.text or "réessayez" in answer.text


@pytest.mark.spec("THR-10")
def test_without_its_ephemeral_store_every_step_is_refused_with_a_page_and_opens_no_session(
    redis_and_gateway: tuple[str, Deployment], tmp_path: Path
) -> None:
    url, gateway = redis_and_gateway
    starts = [Visitor(gateway.port) for _ in range(4)]
    journeys = [visitor.open_journey() for visitor in starts]
    at_password, at_code, at_finish, signed_in = starts
    password = at_password.form(f"{journeys[0]}/password")
    forms = {}
    for visitor, journey, person in zip(starts[1:], journeys[1:], PEOPLE[1:], strict=False):
        visitor.give_password(journey, person["username"], person["password"])
        forms[journey] = visitor.ask_for_code(journey)
    right_code = code_of(gateway, PEOPLE[1])
    for visitor, journey, person in zip(starts[2:], journeys[2:], PEOPLE[2:], strict=False):
        assert visitor.give_code(journey, forms[journey], code_of(gateway, person)).status == 303
    token = signed_in.redeem(signed_in.resume(signed_in.finish(journeys[3]).location).query()["code"]).json()
    os.kill(process_of(url), signal.SIGKILL)

    typed = {"identifier": PEOPLE[0]["username"], "password": PEOPLE[0]["password"]}
    says_what_to_do(at_password.ask("POST", f"{journeys[0]}/password", fields=password | typed))
    says_what_to_do(at_code.give_code(journeys[1], forms[journeys[1]], right_code))
    says_what_to_do(at_finish.finish(journeys[2]))
    for visitor in (at_password, at_code, at_finish):
        assert SESSION not in visitor.cookies
    for path in ("/", "/signin", "/logout"):
        says_what_to_do(signed_in.ask("GET", path))
    says_what_to_do(signed_in.authorize(prompt="none"))
    reset = Visitor(gateway.port)
    fields = reset.form("/forgotten") | {"identifier": PEOPLE[0]["username"]}
    says_what_to_do(reset.ask("POST", "/forgotten", fields=fields))
    for machine in (signed_in.userinfo(token["access_token"]), signed_in.redeem("0" + "A" * 43)):
        assert machine.status == 503
        assert machine.json()["error"] == "temporarily_unavailable"
    assert signed_in.ask("GET", "/health").status == 503
    assert signed_in.ask("GET", "/health/live").status == 200
    assert signed_in.ask("GET", "/jwks").status == 200  # what needs no such store goes on

    port = str(urlsplit(url).port)
    with ExitStack() as again:
        again.enter_context(running_redis(tmp_path / "redis", "--port", port))
        for visitor, journey in zip(starts, journeys, strict=True):
            assert visitor.ask("GET", journey).status == 410  # it came back empty: start again
        assert signed_in.silently() is None
        _sign_in(gateway, PEOPLE[4])


@pytest.mark.spec("THR-10")
def test_a_store_that_hangs_is_a_page_too_and_the_journey_goes_on_when_it_wakes(
    redis_and_gateway: tuple[str, Deployment],
) -> None:
    url, gateway = redis_and_gateway
    visitor, person = Visitor(gateway.port), PEOPLE[0]
    journey = visitor.open_journey()
    typed = {"identifier": person["username"], "password": person["password"]}
    fields = visitor.form(f"{journey}/password") | typed
    store = process_of(url)
    os.kill(store, signal.SIGSTOP)
    try:
        says_what_to_do(visitor.ask("POST", f"{journey}/password", fields=fields))
        assert visitor.redeem("0" + "A" * 43).status == 503
    finally:
        os.kill(store, signal.SIGCONT)
    assert SESSION not in visitor.cookies
    wait_until(lambda: visitor.ask("GET", "/health").status == 200, "the store is awake")
    assert visitor.ask("POST", f"{journey}/password", fields=fields).status == 303
    code_form = visitor.ask_for_code(journey)
    assert visitor.give_code(journey, code_form, code_of(gateway, person)).status == 303
    visitor.finish(journey)
    assert SESSION in visitor.cookies


def test_a_code_that_the_mail_server_refuses_comes_once_it_accepts_and_is_asked_meanwhile(tmp_path: Path) -> None:
    with deployment(tmp_path, people=PEOPLE) as gateway:
        gateway.serve()
        gateway.start("jobs")
        person, visitor = PEOPLE[0], Visitor(gateway.port)
        gateway.faults.smtp = "refuse"
        journey = visitor.open_journey()
        visitor.give_password(journey, person["username"], person["password"])
        fields = visitor.ask_for_code(journey)
        wait_until(lambda: "was not taken" in gateway.log("jobs"), "the mail server refuses the code")
        assert visitor.finish(journey).location == f"{journey}/code"  # an outage skips no factor
        assert visitor.give_code(journey, fields, "00000000").status == 422
        assert SESSION not in visitor.cookies
        gateway.faults.smtp = None
        gateway.advance(5)
        assert visitor.give_code(journey, fields, code_of(gateway, person)).status == 303
        visitor.finish(journey)
        assert SESSION in visitor.cookies
        assert len(gateway.codes(person["email"])) == 1


def _sign_in(gateway: Deployment, person: dict[str, str]) -> Visitor:
    visitor = Visitor(gateway.port)
    journey = visitor.open_journey()
    visitor.give_password(journey, person["username"], person["password"])
    fields = visitor.ask_for_code(journey)
    assert visitor.give_code(journey, fields, code_of(gateway, person)).status == 303
    assert "code" in visitor.resume(visitor.finish(journey).location).query()
    return visitor
