"""From a challenge to linking: one nonce for one answer, in its time, with a line in the journal whatever happens (SV-02)."""

from dataclasses import replace

import pytest

from gateway.accounts.identity_link import LinkKind
from gateway.journal.events import Outcome
from gateway.signin.card.identity import proved_identity
from gateway.signin.card.refusals import CardOfAnotherType, CardRefused, CardUnverifiable
from gateway.signin.card.signin import ACTIVATION
from gateway.signin.evidence import Means
from gateway.signin.gone import TransactionMoved
from sandbox.card.holder_certificate import CardCertificate
from tests.unit.signin.card.cards import NONCE, NOW, Rig, igc, message
from tests.unit.signin.card.tab import CONTEXT, HANDLE, Tab


@pytest.fixture
def tab(rig: Rig) -> Tab:
    return Tab(rig)


@pytest.fixture(scope="module")
def card(rig: Rig) -> CardCertificate:
    return rig.igc.professional()


@pytest.mark.spec("SV-02", "SV-12", "BRG-07")
def test_an_honest_answer_reaches_linking_under_the_cards_authority(tab: Tab, card: CardCertificate) -> None:
    nonce = tab.nonce()
    assert len(nonce) == 43
    assert nonce not in str(tab.txn)
    onward = tab.answer(message(card, nonce=nonce))
    assert onward.handle != HANDLE
    ((identity, token),) = tab.linking.arrived
    assert token is None
    assert identity.key == (
        LinkKind.CARD,
        tab.rig.igc.fort_personnes.certificate.subject.rfc4514_string(),
        "899900000003",
    )
    assert (identity.national_id, identity.rpps) == ("899900000003", "99900000003")
    assert identity.profession == "10^1.2.250.1.71.1.2.7"
    assert identity.evidence().means is Means.CARD
    assert identity.proved_at == NOW
    (event,) = tab.written.events
    assert (event.name, event.outcome, event.method) == ("signin.card", Outcome.SUCCESS, "card")
    assert set(event.details) == {"certificate_issuer", "certificate_serial"}
    assert event.details["certificate_serial"] == f"{card.certificate.serial_number:x}"


@pytest.mark.spec("SV-02", "BRG-07")
def test_a_nonce_serves_once_even_after_a_wrong_answer(tab: Tab, card: CardCertificate) -> None:
    nonce = tab.nonce()
    answer = message(card, nonce=nonce)
    tab.answer(answer)
    assert tab.why_refused(answer) == "challenge: none is open"
    nonce = tab.nonce()
    assert tab.why_refused(message(card, nonce=NONCE)) == "signature"
    assert tab.why_refused(message(card, nonce=nonce)) == "challenge: none is open"


@pytest.mark.spec("SV-02")
def test_only_the_last_nonce_of_a_tab_can_be_answered(tab: Tab, card: CardCertificate) -> None:
    first = tab.nonce()
    tab.nonce()
    assert tab.why_refused(message(card, nonce=first)) == "signature"


@pytest.mark.spec("SV-02")
def test_an_answer_that_read_the_same_transaction_as_another_goes_nowhere(tab: Tab, card: CardCertificate) -> None:
    nonce = tab.nonce()
    before = tab.txn
    tab.answer(message(card, nonce=nonce))
    with pytest.raises(TransactionMoved):
        tab.card.answered(before, message(card, nonce=nonce), CONTEXT)
    assert len(tab.linking.arrived) == 1


@pytest.mark.spec("SV-02", "BRG-07")
def test_a_nonce_lives_two_minutes(rig: Rig, card: CardCertificate) -> None:
    for seconds, alive in ((119.9, True), (120, False)):
        tab = Tab(rig)
        nonce = tab.nonce()
        tab.clock.advance(seconds)
        if alive:
            assert tab.answer(message(card, nonce=nonce))
        else:
            assert tab.why_refused(message(card, nonce=nonce)) == "challenge: expired"
            assert tab.why_refused(message(card, nonce=nonce)) == "challenge: none is open"


@pytest.mark.spec("BRG-07")
def test_a_nonce_is_renewed_up_to_five_minutes_in_all(tab: Tab, card: CardCertificate) -> None:
    asked, nonce = tab.clock.at, tab.nonce()
    for elapsed, left in ((60, 120), (170, 120), (240, 60), (299, 1)):
        tab.clock.at = asked + elapsed
        assert tab.card.renew(tab.txn, nonce)[1].expires_in == left
    tab.clock.at = asked + 300
    with pytest.raises(CardRefused, match="expired"):
        tab.card.renew(tab.txn, nonce)
    tab.clock.at = asked + 299.9
    assert tab.answer(message(card, nonce=nonce))


@pytest.mark.spec("BRG-07")
def test_a_dead_nonce_or_another_one_is_not_renewed(tab: Tab) -> None:
    with pytest.raises(CardRefused, match="none is open"):
        tab.card.renew(tab.txn, NONCE)
    nonce = tab.nonce()
    with pytest.raises(CardRefused, match="another nonce"):
        tab.card.renew(tab.txn, NONCE)
    tab.clock.advance(120)
    with pytest.raises(CardRefused, match="expired"):
        tab.card.renew(tab.txn, nonce)


@pytest.mark.spec("SV-02", "LNK-11")
def test_a_challenge_of_another_purpose_is_refused_and_spent(tab: Tab, card: CardCertificate) -> None:
    nonce = tab.card.challenge(tab.txn, "link")[1].nonce
    assert tab.why_refused(message(card, nonce=nonce)) == "challenge: purpose"
    assert tab.why_refused(message(card, nonce=nonce)) == "challenge: none is open"


@pytest.mark.spec("SV-02")
def test_a_journey_that_is_over_takes_no_card(tab: Tab, card: CardCertificate) -> None:
    nonce = tab.nonce()
    for over in (replace(tab.txn, refusal="access_denied"), replace(tab.txn, session_digest="x")):
        for act in (
            tab.card.challenge,
            lambda txn: tab.card.renew(txn, nonce),
            lambda txn: tab.card.answered(txn, message(card, nonce=nonce), CONTEXT),
        ):
            with pytest.raises(TransactionMoved):
                act(over)


@pytest.mark.spec("SV-01")
def test_rubbish_spends_no_nonce(tab: Tab, card: CardCertificate) -> None:
    nonce = tab.nonce()
    assert tab.why_refused({"format": "cps-bridge:1"}) == "assertion: members"
    assert tab.answer(message(card, nonce=nonce))


@pytest.mark.spec("BRG-09", "SV-04", "SV-09")
def test_outside_refusals_are_alike_and_inside_each_has_its_reason(rig: Rig, fresh: Rig) -> None:
    hierarchy, reasons = rig.igc, []
    revoked = hierarchy.professional()
    fresh.revoke(hierarchy.fort_personnes, revoked.certificate.serial_number)
    for bent in (
        hierarchy.professional(authority=hierarchy.elementaire_personnes),
        hierarchy.professional(not_after=hierarchy.now),
        hierarchy.professional(usage="signature"),
        hierarchy.professional(policy=None, private={"1.2.250.1.71.1.2.5": None}),
        revoked,
    ):
        tab = Tab(fresh)
        tab.clock.advance(1)
        with pytest.raises(CardRefused) as refusal:
            tab.answer(message(bent, nonce=tab.nonce()))
        assert (refusal.value.code, refusal.value.text, refusal.value.facts) == ("card_refused", "card.refused", {})
        (event,) = tab.written.events
        assert (event.name, event.outcome, event.reason) == ("signin.card", Outcome.REFUSED, "card_refused")
        reasons.append(event.details["error"])
        assert tab.linking.arrived == []
    assert len(set(reasons)) == len(reasons)


@pytest.mark.spec("BRG-09")
def test_what_people_can_do_something_about_is_said(rig: Rig, fresh: Rig) -> None:
    tab = Tab(rig)
    with pytest.raises(CardOfAnotherType) as told:
        tab.answer(message(rig.igc.professional(card_type=3), nonce=tab.nonce()))
    assert told.value.text == "card.other_type"
    fresh.store.lists.clear()
    tab = Tab(fresh)
    with pytest.raises(CardUnverifiable) as unverifiable:
        tab.answer(message(rig.igc.professional(), nonce=tab.nonce()))
    assert unverifiable.value.text == "card.unverifiable"
    (event,) = tab.written.events
    assert (event.outcome, event.reason) == (Outcome.FAILED, "card_unverifiable")


@pytest.mark.spec("SV-12")
def test_the_journal_names_nobody_and_nothing_that_was_not_vouched_for(tab: Tab, card: CardCertificate) -> None:
    tab.answer(message(card, nonce=tab.nonce()))
    assert tab.why_refused(message(igc(keys="stranger").professional(), nonce=tab.nonce())).startswith("chain")
    known, unknown = tab.written.events
    assert set(unknown.details) == {"error"}
    for secret in ("99900000003", "FICTIVE", "Camille", "2900473128"):
        assert secret not in str(known) + str(unknown)


def test_a_flood_of_refusals_costs_a_bounded_number_of_lines(tab: Tab) -> None:
    for _ in range(400):
        tab.why_refused(None)
    assert len(tab.written.events) == 301


def test_an_activation_takes_the_link_that_landed(rig: Rig, card: CardCertificate) -> None:
    tab = Tab(rig, **{ACTIVATION: True})
    tab.answer(message(card, nonce=tab.nonce()), activation_token="token")
    ((identity, token),) = tab.linking.arrived
    assert (identity.kind, token) == (LinkKind.CARD, "token")


@pytest.mark.spec("SV-13")
def test_linking_keeps_what_the_card_proved_beside(rig: Rig, card: CardCertificate) -> None:
    assert proved_identity(rig.verify(card)).upstream_amr == ("sc", "hwk", "pin", "mfa")
    assert proved_identity(rig.verify(rig.igc.professional(profession=None))).profession is None
