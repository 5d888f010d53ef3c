"""The job that fetches revocation lists: ahead of time, never backwards, the last good one always kept (SV-09, §2.5)."""

import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gateway.directory.revocation_lists import MAX_OCTETS, PublishedLists
from gateway.jobs.fetch_crls import CrlFetch
from gateway.signin.card.environment import Anchor, Limits
from gateway.signin.card.ports import ListUnavailableError
from tests.fakes import SetClock
from tests.unit.signin.card.cards import NOW, START, KeptLists, Rig, days


class Published:
    """Where the lists are published, by file; what is None is not to be had."""

    def __init__(self) -> None:
        self.lists: dict[str, bytes | None] = {}
        self.asked: list[str] = []

    def fetch(self, anchor: Anchor) -> bytes:
        self.asked.append(anchor.file)
        found = self.lists.get(anchor.file)
        if found is None:
            raise ListUnavailableError("status 503")
        return found


class Job:
    def __init__(self, folder: Path) -> None:
        self.rig = Rig(folder)
        self.store, self.source, self.clock = KeptLists(), Published(), SetClock()
        self.clock.at = NOW
        self.fetch = CrlFetch(
            trust=self.rig.trust, source=self.source, store=self.store, limits=Limits(), clock=self.clock
        )
        self.publish(100)

    def publish(self, number: int, **dates: object) -> None:
        igc = self.rig.igc
        for authority in (igc.fort_personnes, igc.root):
            self.source.lists[f"{authority.file}.pem"] = igc.crl(authority, [7], number=number, **dates)  # type: ignore[arg-type]

    def numbers(self) -> set[int]:
        return set(self.store.numbers().values())


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


@pytest.mark.spec("SV-09")
def test_the_lists_of_the_accepted_authorities_and_of_their_roots_are_kept_with_a_line(job: Job) -> None:
    assert job.fetch.run_if_due() == 2
    assert sorted(job.source.asked) == ["ACI-FO-PP-TEST.pem", "ACR-FO-TEST.pem"]
    assert job.numbers() == {100}
    (event,) = job.store.effects[0].events
    assert (event.name, event.details["crl_number"], event.details["count"]) == ("revocation_list.kept", 100, 1)


@pytest.mark.spec("SV-09")
def test_a_list_is_looked_for_once_an_hour_and_sooner_after_a_failure(job: Job) -> None:
    job.fetch.run_if_due()
    job.clock.advance(3599)
    job.fetch.run_if_due()
    assert len(job.source.asked) == 2
    job.publish(101)
    job.clock.advance(1)
    assert job.fetch.run_if_due() == 2
    assert job.numbers() == {101}
    job.source.lists.clear()
    job.clock.advance(3600)
    assert job.fetch.run_if_due() == 0
    asked = len(job.source.asked)
    job.clock.advance(299)
    job.fetch.run_if_due()
    assert len(job.source.asked) == asked
    job.clock.advance(1)
    job.fetch.run_if_due()
    assert len(job.source.asked) == asked + 2


@pytest.mark.spec("SV-09")
@pytest.mark.parametrize("bad", ["lower", "forged", "ended", "future", "missing", "rubbish"])
def test_a_bad_list_leaves_the_last_good_one(job: Job, bad: str, caplog: pytest.LogCaptureFixture) -> None:
    job.fetch.run_if_due()
    igc, file = job.rig.igc, "ACI-FO-PP-TEST.pem"
    bent: dict[str, bytes | None] = {
        "lower": igc.crl(igc.fort_personnes, number=99),
        "forged": igc.crl(igc.fort_personnes, number=102, signed_by=igc.standard_personnes),
        "ended": igc.crl(igc.fort_personnes, number=102, this_update=START - days(7), next_update=START),
        "future": igc.crl(igc.fort_personnes, number=102, this_update=START + days(1)),
        "missing": None,
        "rubbish": b"<html>",
    }
    job.publish(101)
    job.source.lists[file] = bent[bad]
    job.clock.advance(3600)
    with caplog.at_level(logging.WARNING, "passerelle.crl"):
        assert job.fetch.run_if_due() == 1
    assert job.numbers() == {100, 101}
    (line,) = caplog.records
    assert line.levelname == "WARNING"
    assert "the last one still serves" in line.message


@pytest.mark.spec("SV-09")
def test_a_list_that_is_missing_or_about_to_end_is_said_aloud(job: Job, caplog: pytest.LogCaptureFixture) -> None:
    job.source.lists.clear()
    job.fetch.run_if_due()
    assert {(line.levelname, "there is none" in line.message) for line in caplog.records} == {("ERROR", True)}
    caplog.clear()
    job.publish(100)
    job.clock.advance(300)
    job.fetch.run_if_due()
    job.source.lists.clear()
    job.clock.at = NOW + 6 * 86400 - 3600
    job.fetch.run_if_due()
    assert {(line.levelname, "ends soon" in line.message) for line in caplog.records} == {("ERROR", True)}


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, body = self.server.answers[self.path]  # type: ignore[attr-defined]
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/list.crl")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: MAX_OCTETS + 2])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def publication() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.answers = {  # type: ignore[attr-defined]
        "/list.crl": (200, b"a list"),
        "/moved.crl": (302, b""),
        "/none.crl": (404, b"no"),
    }
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def at(**said: str) -> Anchor:
    return Anchor(file="x.pem", sha256="0" * 64, role="issuing", **said)


def test_a_list_comes_from_its_address_or_from_the_file_beside_the_certificate(
    publication: str, tmp_path: Path
) -> None:
    lists = PublishedLists(tmp_path)
    (tmp_path / "x.crl").write_bytes(b"from a file")
    assert lists.fetch(at(crl_url=f"{publication}/list.crl")) == b"a list"
    assert lists.fetch(at(crl="x.crl", crl_url=f"{publication}/list.crl")) == b"from a file"
    for anchor in (
        at(),
        at(crl="y.crl"),
        at(crl_url=f"{publication}/none.crl"),
        at(crl_url=f"{publication}/moved.crl"),
    ):
        with pytest.raises(ListUnavailableError):
            lists.fetch(anchor)


def test_a_file_that_is_too_large_is_no_list(tmp_path: Path) -> None:
    with (tmp_path / "x.crl").open("wb") as file:
        file.truncate(MAX_OCTETS + 1)
    with pytest.raises(ListUnavailableError, match="too large"):
        PublishedLists(tmp_path).fetch(at(crl="x.crl"))
