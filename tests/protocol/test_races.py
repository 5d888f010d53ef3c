"""Requests that arrive together, over real HTTP, at a gateway of two processes, on each ephemeral store.

Single use is a property of the store (ARCHITECTURE §4): here nothing but the addresses of the gateway is known.
"""

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.client import HTTPResponse
from time import monotonic
from urllib.parse import urlencode

import pytest

from tests.faults.deployment import REDIRECT_URI, Deployment, crowd, deployment, wait_until
from tests.faults.visitor import BASIC, FORM, VERIFIER, Answer, Visitor, code_in

ENGINES = ("sqlite", "redis")
PEOPLE = crowd(12)


@pytest.fixture(scope="module", params=ENGINES)
def gateway(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    url = f"{request.getfixturevalue('redis_url')[:-1]}6" if request.param == "redis" else None
    folder = tmp_path_factory.mktemp("races")
    with deployment(folder, people=PEOPLE, ephemeral_url=url) as running:
        running.serve(workers=2)
        running.start("jobs")
        yield running
        assert "Traceback" not in running.log("serve"), running.log("serve")[-4000:]


def at_once(calls: list[Callable[[], Answer]]) -> list[Answer]:
    """All answers; the calls are let go together."""
    gate = threading.Barrier(len(calls))
    answers: list[Answer] = []
    failures: list[BaseException] = []

    def run(call: Callable[[], Answer]) -> None:
        try:
            gate.wait(30)
            answers.append(call())
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return answers


def posted_together(visitors: list[Visitor], path: str, forms: list[dict[str, str]], **headers: str) -> list[Answer]:
    """The answers to forms whose last octets leave at the same instant, on connections that hold all the rest."""
    with ExitStack() as opened:
        ready: list[tuple[socket.socket, str]] = []
        for visitor, fields in zip(visitors, forms, strict=True):
            body = urlencode(fields)
            cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
            said = {"Host": "localhost", "Content-Type": FORM, "Content-Length": str(len(body)), "Cookie": cookies}
            lines = [f"{name}: {value}" for name, value in {**said, **headers}.items()]
            source = visitor.ledger.ask(())
            address = ("127.0.0.1", visitor.port)
            connection = opened.enter_context(socket.create_connection(address, 30, source_address=(source, 0)))
            written = "\r\n".join([f"POST {path} HTTP/1.1", *lines, "Connection: close", "", body])
            connection.sendall(written[:-1].encode())
            ready.append((connection, written[-1]))
        for connection, last in ready:
            connection.sendall(last.encode())
        return [_answer(connection) for connection, _ in ready]


def _answer(connection: socket.socket) -> Answer:
    with HTTPResponse(connection) as response:
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read(), "")


def lines_of(gateway: Deployment, *visitors: Visitor) -> Counter[tuple[str, str]]:
    """The journal's lines that these visitors' requests caused: name, and outcome or reason."""
    sources = {source for visitor in visitors for source in visitor.ledger.acts}
    with gateway.stores() as stores:
        wait_until(lambda: stores.ephemeral.spool.backlog() == 0, "the spool is drained")
        lines = stores.database.journal.read(limit=10**6)
        return Counter((event.name, event.reason or event.outcome.value) for _, event in lines if event.ip in sources)


def at_the_code(gateway: Deployment, person: dict[str, str]) -> tuple[Visitor, str, dict[str, str], str]:
    """A visitor, the journey, the form of the code page and the right code."""
    visitor = Visitor(gateway.port)
    known = len(gateway.codes(person["email"]))
    journey = visitor.open_journey()
    assert visitor.give_password(journey, person["username"], person["password"]).status == 303
    fields = visitor.ask_for_code(journey)
    mails = wait_until(lambda: gateway.codes(person["email"])[known:], "the code comes by mail")
    return visitor, journey, fields, code_in(mails[-1].text)


def signed_in(gateway: Deployment, person: dict[str, str]) -> tuple[Visitor, str]:
    """A visitor with a session, and an authorization code."""
    visitor, journey, fields, code = at_the_code(gateway, person)
    assert visitor.give_code(journey, fields, code).status == 303
    return visitor, visitor.resume(visitor.finish(journey).location).query()["code"]


@pytest.mark.spec("OID-04", "RFC 6749 §4.1.2")
@pytest.mark.parametrize("together", [2, 20])
def test_of_parallel_redemptions_of_one_code_one_succeeds_and_its_token_is_revoked(
    gateway: Deployment, together: int
) -> None:
    visitor, code = signed_in(gateway, PEOPLE[0] if together == 2 else PEOPLE[1])
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
    }
    answers = posted_together([visitor] * together, "/token", [form] * together, Authorization=BASIC)
    assert Counter(answer.status for answer in answers) == {200: 1, 400: together - 1}
    assert {answer.json()["error"] for answer in answers if answer.status == 400} == {"invalid_grant"}
    (winner,) = (answer for answer in answers if answer.status == 200)
    assert visitor.userinfo(winner.json()["access_token"]).status == 401
    said = lines_of(gateway, visitor)
    assert said["token.issued", "success"] == 1
    assert said["token.code_replayed", "refused"] == together - 1


@pytest.mark.spec("OID-04")
def test_a_token_whose_code_nobody_presented_again_is_accepted(gateway: Deployment) -> None:
    visitor, code = signed_in(gateway, PEOPLE[2])
    token = visitor.redeem(code).json()["access_token"]
    assert {answer.status for answer in at_once([lambda: visitor.userinfo(token)] * 10)} == {200}


@pytest.mark.parametrize("together", [2, 20])
def test_of_parallel_right_codes_one_counts_and_there_is_one_session(gateway: Deployment, together: int) -> None:
    person = PEOPLE[3] if together == 2 else PEOPLE[4]
    visitor, journey, fields, code = at_the_code(gateway, person)
    posted_together([visitor] * together, f"{journey}/code", [fields | {"code": code}] * together)
    at_once([lambda: visitor.ask("GET", journey)] * together)
    said = lines_of(gateway, visitor)
    assert said["signin.code", "success"] == 1
    assert said["session.started", "success"] == 1
    with gateway.stores() as stores:
        account = stores.database.accounts.find_by_username(person["username"])
        assert account is not None
        assert len(stores.ephemeral.sessions.of(account.id, stores.clock.now())) == 1


def test_parallel_wrong_codes_are_counted_one_by_one_and_kill_the_code(gateway: Deployment) -> None:
    visitor, journey, fields, code = at_the_code(gateway, PEOPLE[5])
    wrong = f"{(int(code) + 1) % 10**8:08d}"
    posted_together([visitor] * 20, f"{journey}/code", [fields | {"code": wrong}] * 20)
    assert visitor.give_code(journey, fields, code).status == 422
    said = lines_of(gateway, visitor)
    assert said["signin.code", "wrong_code"] == 5
    assert said["signin.code", "success"] == 0


@pytest.mark.spec("THR-01", "THR-09")
def test_of_parallel_guesses_no_more_are_judged_than_one_after_the_other(gateway: Deployment) -> None:
    """Delays are 0, 0, 5, 20… seconds: three guesses at once, a fourth five seconds later if the machine is that slow. Those
    that find the queue of hashes full are told to come back, and judged no more than the others."""
    visitors = [Visitor(gateway.port) for _ in range(20)]
    username = PEOPLE[6]["username"]

    def guess(visitor: Visitor) -> Callable[[], Answer]:
        path = f"{visitor.open_journey()}/password"
        fields = visitor.form(path) | {"identifier": username, "password": "not-this-one-either"}
        return lambda: visitor.ask("POST", path, fields=fields)

    guesses = [guess(visitor) for visitor in visitors]
    began = monotonic()
    answers = at_once(guesses)
    elapsed = monotonic() - began
    assert {answer.status for answer in answers} <= {422, 503}
    busy = sum(answer.status == 503 for answer in answers)
    said = lines_of(gateway, *visitors)
    judged, delayed = said["signin.password", "wrong_password"], said["signin.delayed", "delay"]
    assert 20 - busy <= judged + delayed <= 20
    assert judged <= 3 + (elapsed >= 5) + (elapsed >= 25)
