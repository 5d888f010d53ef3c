"""The sessions of a card end when its certificate is revoked, with all that they gave (SES-08)."""

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.accounts.identity_link import LinkKind
from gateway.journal.effects import NO_EFFECTS
from gateway.randomness import handle, partition_of, system_randomness
from gateway.signin.card.identity import proved_identity
from gateway.signin.card.revocation import LOOKED_AT_SECONDS
from gateway.signin.card.revoked_sessions import RevokedCardSessions
from gateway.signin.ended_session import LOGOUT_CALL
from gateway.signin.linking.pending import certificate_of
from gateway.signin.session import Session
from gateway.storage.ephemeral import open_ephemeral
from sandbox.card.holder_certificate import CardCertificate
from tests.unit.signin.card.cards import NOW, Rig
from tests.unit.signin.linking.people import LinkingWorld

MINUTE = 60


class Ward:
    """Claire signs in by card; what would end her session is called as the jobs call it."""

    def __init__(self, folder: Path) -> None:
        self.rig, self.world = Rig(folder), LinkingWorld()
        self.world.clock.at = NOW
        self.card = self.rig.igc.professional()
        self.job = RevokedCardSessions(
            identities=self.world.identities,
            sessions=self.world.sessions,
            lists=self.rig.lists,
            trust=self.rig.trust,
            policy=self.world.policy,
            clock=self.world.clock,
        )

    def signed_in(self, card: CardCertificate | None = None) -> Session:
        proved = proved_identity(self.rig.verify(card or self.card, at=NOW))
        known = self.world.identities.find(LinkKind.CARD, proved.issuer, proved.subject) is not None
        by_card = {"kind": LinkKind.CARD, "issuer": proved.issuer, "subject": proved.subject}
        said = {**by_card, "certificate": proved.certificate, "expires_at": proved.expires_at}
        return self.world.complete(self.world.arrived(**said) if known else self.world.linked(**said))

    def revoke(self, *cards: CardCertificate, number: int = 101) -> None:
        serials = [card.certificate.serial_number for card in cards]
        self.rig.revoke(self.rig.igc.fort_personnes, *serials, number=number)
        self.world.clock.advance(LOOKED_AT_SECONDS)

    def alive(self, session: Session) -> bool:
        return self.world.sessions.find(session.handle, self.world.clock.now()) is not None


@pytest.fixture
def ward(tmp_path: Path) -> Ward:
    return Ward(tmp_path)


@pytest.mark.spec("SES-08", "SV-09")
def test_a_card_revoked_during_a_session_ends_it_at_the_next_look(ward: Ward) -> None:
    session = ward.signed_in()
    assert certificate_of(session.upstream) is not None
    assert (ward.job.end(), ward.alive(session)) == (0, True)
    ward.revoke(ward.card)
    assert (ward.job.end(), ward.alive(session)) == (1, False)
    ended = [event for event in ward.world.written.events if event.name == "session.ended"][-1]
    assert (ended.reason, ended.target, ended.method) == ("card_revoked", session.account_id, "card")
    assert int(str(ended.details["certificate_serial"]), 16) == ward.card.certificate.serial_number
    assert ward.job.end() == 0


@pytest.mark.spec("SES-08", "SV-09")
def test_a_card_whose_authority_is_revoked_ends_its_sessions_too(ward: Ward) -> None:
    session = ward.signed_in()
    ward.rig.revoke(ward.rig.igc.root, ward.rig.igc.fort_personnes.certificate.serial_number, number=101)
    ward.world.clock.advance(LOOKED_AT_SECONDS)
    assert (ward.job.end(), ward.alive(session)) == (1, False)


@pytest.mark.spec("SES-08")
def test_another_card_of_the_same_person_and_another_person_stay(ward: Ward) -> None:
    of_the_other_card = ward.signed_in(ward.rig.igc.professional())
    session = ward.signed_in()
    ward.revoke(ward.card)
    assert ward.job.end() == 1
    assert (ward.alive(session), ward.alive(of_the_other_card)) == (False, True)


@pytest.mark.spec("SES-08")
def test_a_sign_in_that_was_under_way_when_the_list_came_ends_at_the_look_after(ward: Ward) -> None:
    ward.signed_in()
    ward.world.sessions.records.clear()
    link = ward.world.only_link()
    serial = f"{ward.card.certificate.serial_number:x}"
    late = ward.world.arrived(kind=LinkKind.CARD, issuer=link.issuer, subject=link.subject, certificate=serial)
    ward.revoke(ward.card)
    assert ward.job.end() == 0
    ward.world.clock.advance(MINUTE)
    session = ward.world.complete(late)
    assert ward.alive(session)
    assert (ward.job.end(), ward.alive(session)) == (1, False)


@pytest.mark.spec("SES-08")
def test_a_new_list_is_held_against_the_oldest_session_there_may_be(ward: Ward) -> None:
    session = ward.signed_in()
    ward.world.clock.at = session.absolute_end - MINUTE
    ward.world.sessions.records[session.handle] = replace(session, last_used_at=ward.world.clock.now())
    ward.job.end()
    ward.revoke(ward.card)
    assert ward.job.end() == 1


@pytest.mark.spec("SES-08")
def test_without_a_list_that_is_good_now_nobody_is_put_out(ward: Ward) -> None:
    session = ward.signed_in()
    for authority in ward.rig.trust.watched:
        ward.rig.store.lists.pop(authority.fingerprint)
    ward.rig.lists._lists.clear()
    assert (ward.job.end(), ward.alive(session)) == (0, True)


@pytest.mark.spec("SES-08", "SES-07")
def test_its_applications_are_told_as_of_any_other_end(ward: Ward, tmp_path: Path) -> None:
    session = ward.signed_in()
    store = open_ephemeral(f"sqlite:///{tmp_path / 'ephemeral.db'}", system_randomness)
    try:
        here = handle(system_randomness, partition_of(session.account_id))
        store.sessions.start(replace(session, handle=here, clients=("orientation", "suivi")), NOW, NO_EFFECTS)
        ward.job._sessions = store.sessions
        ward.revoke(ward.card)
        assert ward.job.end() == 1
        calls = [item for _, item, _ in store.spool.take_outgoing(ward.world.clock.now(), 10, 60.0)]
        assert {(call.kind, call.payload["client"]) for call in calls} == {
            (LOGOUT_CALL, "orientation"),
            (LOGOUT_CALL, "suivi"),
        }
        assert {call.payload["sid"] for call in calls} == {session.sid}
        assert store.sessions.find(here, ward.world.clock.now()) is None
        assert ward.job.end() == 0
    finally:
        store.close()
