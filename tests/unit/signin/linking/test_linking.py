"""An identity proved elsewhere: signing in with it, linking it once, and what stands in an attacker's way (A1–A16)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway.accounts.account import Account, AccountStatus, RppsProof
from gateway.accounts.identity_link import LinkKind, LinkProof
from gateway.accounts.one_time_link import LinkPurpose, link_token, new_link
from gateway.accounts.ports import LinkRefusedError
from gateway.journal.effects import NO_EFFECTS
from gateway.journal.events import Outcome
from gateway.keys.purposes import Purpose, PurposeKey
from gateway.randomness import digest
from gateway.signin.assurance import ACR_PSC, ACR_PWD_OTP_SMS
from gateway.signin.enrolment.access_link import LinkGone
from gateway.signin.evidence import Evidence, Means
from gateway.signin.journey import Step, TransactionGone, TransactionMoved
from gateway.signin.linking.link import IdentityRefused, IdentityStale, LinkRefused
from gateway.signin.linking.pending import IDENTITY, IdentitySeal
from gateway.signin.password.signin import SigninRefused
from gateway.signin.transaction import Demand, SigninTransaction
from tests.unit.signin.linking.people import ISSUER, OTHER_RPPS, RPPS, LinkingWorld
from tests.unit.signin.world import BROWSER, CONTEXT, ORIGIN, PASSWORD, Device


def refused(world: LinkingWorld, txn: SigninTransaction) -> str:
    """The reason of a refusal, which the person does not see; the identity no longer waits, and nothing was linked."""
    before = dict(world.identities.records)
    with pytest.raises(LinkRefused) as refusal:
        world.linking.confirm(txn, CONTEXT)
    assert refusal.value.text == "linking.refused"
    assert not refusal.value.facts
    assert world.identities.records == before
    assert IDENTITY not in world.stored(txn).extra
    (line,) = world.written.of("identity.link_refused")
    assert line.reason == refusal.value.detail
    return refusal.value.detail


# The way through


def test_an_unknown_identity_is_linked_once_and_then_goes_straight_in() -> None:
    world = LinkingWorld()
    txn = world.arrived()
    assert world.step(txn) is Step.LINK
    txn = world.linking.choose_existing(txn)
    assert world.step(txn) is Step.PASSWORD
    txn = world.password.submit(txn, "claire", PASSWORD, CONTEXT)
    assert world.step(txn) is Step.CODE
    txn = world.coded(txn)
    assert world.step(txn) is Step.CONFIRM_LINK
    txn = world.linking.confirm(txn, CONTEXT)
    assert world.step(txn) is Step.COMPLETE
    session = world.complete(txn)
    assert world.gate.assurance(session).acr == ACR_PSC
    link = world.only_link()
    assert (link.account_id, link.proof, link.rpps) == (world.claire.id, LinkProof.CREDENTIALS, RPPS)
    assert world.accounts.records[world.claire.id].rpps_proof is RppsProof.PSC
    world.clock.advance(60)
    later = world.arrived()
    assert world.step(later) is Step.COMPLETE
    assert world.only_link().last_used_at == world.clock.now()


@pytest.mark.spec("PSC-05")
def test_a_session_keeps_what_the_means_said_and_does_not_outlive_it() -> None:
    world = LinkingWorld()
    world.linked()
    expires_at = world.clock.now() + 1000
    session = world.complete(world.arrived(expires_at=expires_at))
    assert session.absolute_end == expires_at
    assert session.upstream is not None
    assert (session.upstream["issuer"], session.upstream["acr"]) == (ISSUER, "eidas1")
    assert "upstream.id.token" not in str(session.upstream)
    assert world.seal.id_token(session) == "upstream.id.token"
    assert world.seal.id_token(replace(session, account_id="another")) is None
    stepped = world.open(Demand(client_id="orientation"), session)
    again = world.complete(stepped, session.handle)
    assert (again.upstream, again.absolute_end) == (session.upstream, expires_at)


def test_the_authentication_time_is_that_of_the_means() -> None:
    world = LinkingWorld()
    world.linked()
    world.clock.advance(1000)
    proved_at = world.clock.now() - 900
    session = world.complete(world.arrived(proved_at=proved_at))
    assert session.auth_time == proved_at
    assert not world.gate.is_enough(session, Demand(fresh_since=proved_at + 1))
    assert world.gate.is_enough(session, Demand(fresh_since=proved_at, min_acr=ACR_PWD_OTP_SMS))


def test_a_strong_means_satisfies_a_level_that_no_code_of_this_account_reaches() -> None:
    world = LinkingWorld()
    world.linked()
    essential = Demand(acr_values=(ACR_PSC,), acr_essential=True)
    assert world.step(world.with_password(essential)) is Step.MEANS
    assert world.step(world.arrived(essential)) is Step.COMPLETE


def test_an_identity_proved_too_long_ago_begins_nothing() -> None:
    world = LinkingWorld()
    now = world.clock.now()
    with pytest.raises(IdentityStale):
        world.arrived(expires_at=now)
    with pytest.raises(IdentityStale):
        world.arrived(proved_at=now - world.policy.session_absolute_seconds)


def test_a_person_may_go_on_without_linking() -> None:
    world = LinkingWorld()
    txn = world.linking.give_up(world.with_credentials())
    assert world.step(txn) is Step.COMPLETE
    assert world.complete(txn).upstream is None
    assert world.step(world.linking.give_up(world.arrived())) is Step.PASSWORD


# LNK-01, A10: everything in one transaction, and fresh


@pytest.mark.spec("LNK-01", "A10")
def test_an_identity_exactly_five_minutes_old_is_asked_again_and_the_credentials_are_not() -> None:
    world = LinkingWorld()
    proved_at = world.clock.now() - 200
    txn = world.with_credentials(proved_at=proved_at)
    world.clock.advance(99.999)
    assert world.step(txn) is Step.CONFIRM_LINK
    world.clock.advance(0.001)
    assert world.step(txn) is Step.IDENTITY
    for act in (world.linking.preview, lambda each: world.linking.confirm(each, CONTEXT)):
        with pytest.raises(TransactionMoved):
            act(txn)
    txn = world.linking.begin(txn, world.identity(), CONTEXT)
    assert world.step(txn) is Step.CONFIRM_LINK


@pytest.mark.spec("LNK-01", "A10")
def test_credentials_exactly_five_minutes_old_are_asked_again() -> None:
    world = LinkingWorld()
    txn = world.with_credentials()
    world.clock.advance(299)
    txn = world.linking.begin(txn, world.identity(), CONTEXT)
    assert world.step(txn) is Step.CONFIRM_LINK
    world.clock.advance(1)
    assert world.step(txn) is Step.PASSWORD
    with pytest.raises(TransactionMoved):
        world.linking.confirm(txn, CONTEXT)


@pytest.mark.spec("LNK-01", "A6")
def test_credentials_given_for_one_identity_do_not_serve_for_another() -> None:
    world = LinkingWorld()
    txn = world.with_credentials()
    for other in ({"rpps": OTHER_RPPS}, {"issuer": "https://another.invalid"}, {"kind": LinkKind.CARD}):
        fresh = world.with_credentials()
        swapped = world.linking.begin(fresh, world.identity(**other), CONTEXT)
        assert world.step(swapped) is Step.LINK
        assert (swapped.account_id, swapped.evidence) == (None, ())
    assert world.step(txn) is Step.CONFIRM_LINK


@pytest.mark.spec("LNK-01", "A3")
def test_neither_a_live_session_nor_a_trusted_device_stands_in_for_the_credentials() -> None:
    world = LinkingWorld()
    device, device_id = world.trusted_device()
    session = world.signed_in()
    txn = world.linking.choose_existing(world.linking.begin(world.open(session=session), world.identity(), CONTEXT))
    assert world.step(txn, device_id) is Step.PASSWORD
    txn = world.password.submit(txn, "claire", PASSWORD, CONTEXT)
    assert world.step(txn, device_id) is Step.CODE
    txn, challenge = world.device.challenge(txn, device_id)
    txn = world.device.submit(txn, device_id, device.sign(challenge, ORIGIN), CONTEXT)
    assert world.step(txn, device_id) is Step.CODE
    with pytest.raises(TransactionMoved):
        world.linking.confirm(txn, CONTEXT)


# LNK-02, A1: session fixation


@pytest.mark.spec("LNK-02", "SES-02", "A1", "A5", "A15")
@pytest.mark.parametrize("known", [True, False], ids=["linked", "unknown"])
def test_whoever_planted_the_transaction_and_its_cookie_loses_it_when_the_identity_comes(known: bool) -> None:
    world = LinkingWorld()
    if known:
        world.linked()
    planted = world.open()
    txn = world.linking.begin(planted, world.identity(), CONTEXT)
    assert txn.handle != planted.handle
    with pytest.raises(TransactionGone):
        world.journey.find(planted.handle, browser_cookie=BROWSER)
    with pytest.raises(TransactionMoved):
        world.linking.begin(planted, world.identity(), CONTEXT)


@pytest.mark.spec("LNK-02", "SES-02", "A1")
def test_the_handle_changes_at_commit_and_the_session_is_new() -> None:
    world = LinkingWorld()
    before = world.signed_in()
    txn = world.with_credentials()
    confirmed = world.linking.confirm(txn, CONTEXT)
    with pytest.raises(TransactionGone):
        world.stored(txn)
    session = world.complete(confirmed, before.handle)
    assert session.handle != before.handle
    assert world.gate.find(before.handle) is None


# LNK-03, A2: linking somebody into the attacker's account


@pytest.mark.spec("LNK-03", "A2")
def test_the_confirmation_names_both_sides_and_its_binding_changes_with_either() -> None:
    world = LinkingWorld()
    world.person("denis", family_name="Fontaine", given_name="Claire")
    shown = world.linking.preview(world.with_credentials())
    assert (shown.holder_family_name, shown.holder_given_name) == ("FONTAINE", "CLAIRE")
    assert shown.account_email_masked == "c•••@e•••.fr"
    others = [world.with_credentials(who="denis"), world.with_credentials(subject="another")]
    assert len({shown.binding, *(world.linking.preview(txn).binding for txn in others)}) == 3


@pytest.mark.spec("LNK-03", "A2")
def test_nothing_is_linked_before_the_confirmation() -> None:
    world = LinkingWorld()
    txn = world.with_credentials()
    world.linking.preview(txn)
    with pytest.raises(TransactionMoved):
        world.complete(txn)
    assert world.identities.records == {}


@pytest.mark.spec("LNK-03")
@pytest.mark.parametrize("until", ["arrived", "chosen", "password"])
def test_a_confirmation_out_of_turn_links_nothing(until: str) -> None:
    world = LinkingWorld()
    txn = world.arrived()
    if until != "arrived":
        txn = world.linking.choose_existing(txn)
    if until == "password":
        txn = world.password.submit(txn, "claire", PASSWORD, CONTEXT)
    for act in (world.linking.preview, lambda each: world.linking.confirm(each, CONTEXT)):
        with pytest.raises(TransactionMoved):
            act(txn)
    assert world.identities.records == {}


# LNK-04, A4, A11: no attribute is a key


@pytest.mark.spec("LNK-04", "A4", "A11")
def test_neither_the_name_nor_a_declared_rpps_signs_in_or_links_and_no_account_is_made() -> None:
    world = LinkingWorld()
    world.change(world.claire, rpps=RPPS, rpps_proof=RppsProof.DECLARED)
    accounts = dict(world.accounts.records)
    txn = world.arrived()
    assert world.step(txn) is Step.LINK
    assert (txn.account_id, txn.evidence) == (None, ())
    assert world.accounts.records == accounts
    assert world.identities.records == {}


@pytest.mark.spec("LNK-04", "LNK-08", "A4", "A14")
@pytest.mark.parametrize("status", [AccountStatus.INVITED, AccountStatus.ARCHIVED, AccountStatus.BLOCKED])
def test_an_account_that_is_not_active_is_not_linked_and_looks_like_a_wrong_password(status: AccountStatus) -> None:
    world = LinkingWorld()
    world.change(world.claire, status=status)
    txn = world.linking.choose_existing(world.arrived())
    with pytest.raises(SigninRefused) as refusal:
        world.password.submit(txn, "claire", PASSWORD, CONTEXT)
    assert refusal.value.text == "signin.refused"
    assert world.step(txn) is Step.PASSWORD


# LNK-05, A5, A8, A15: identities are compared exactly, and belong to one account


@pytest.mark.spec("LNK-05")
@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://another.invalid", "national_id": None},
        {"kind": LinkKind.CARD, "national_id": None},
        {"subject": f"f:0b5e:8{RPPS} ", "national_id": None},
        {"subject": "another", "national_id": RPPS},
        {"subject": "another", "national_id": RPPS[:9], "rpps": None},
        {"subject": "another", "national_id": f"08{RPPS}", "rpps": None},
    ],
)
def test_an_identity_that_only_looks_like_a_linked_one_is_unknown(changes: dict[str, Any]) -> None:
    world = LinkingWorld()
    world.linked()
    assert world.step(world.arrived(**changes)) is Step.LINK


@pytest.mark.spec("LNK-05", "A15")
def test_an_identity_that_became_somebody_else_signs_nobody_in() -> None:
    world = LinkingWorld()
    subject = world.identity().subject
    world.linked()
    for changes in ({"rpps": OTHER_RPPS}, {"rpps": None, "national_id": f"8{OTHER_RPPS}"}):
        with pytest.raises(IdentityRefused):
            world.arrived(subject=subject, **changes)
    assert {line.reason for line in world.written.of("signin.identity") if line.target} == {None, "contradiction"}


@pytest.mark.spec("LNK-05", "A8")
@pytest.mark.parametrize("holder", ["linked", "declared"])
def test_an_rpps_of_another_account_is_refused_without_naming_it(holder: str) -> None:
    world = LinkingWorld()
    if holder == "linked":
        world.linked(national_id=None)
    world.person("denis", family_name="Fontaine", given_name="Claire")
    txn = world.with_credentials(who="denis", subject="another", national_id=None)
    assert refused(world, txn) == "rpps_elsewhere"
    assert "claire" not in str(world.written.of("identity.link_refused"))


@pytest.mark.spec("LNK-05")
def test_what_the_store_refuses_is_refused_in_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    world = LinkingWorld()
    txn = world.with_credentials()

    def taken(*_: object, **__: object) -> None:
        raise LinkRefusedError("taken")

    monkeypatch.setattr(world.identities, "commit", taken)
    assert refused(world, txn) == "taken"


# LNK-06, LNK-07, A3, A9: stolen credentials and the attacker's own card; homonyms


@pytest.mark.spec("LNK-06", "A3")
@pytest.mark.parametrize("changes", [{"rpps": OTHER_RPPS}, {"rpps": None, "subject": "no rpps"}])
def test_an_account_that_carries_an_rpps_is_linked_to_no_other_one(changes: dict[str, Any]) -> None:
    world = LinkingWorld()
    world.change(world.claire, rpps=RPPS, rpps_proof=RppsProof.DECLARED)
    txn = world.with_credentials(**changes)
    assert refused(world, txn) == "account_has_other_rpps"
    assert [item.payload["what"] for item in world.written.sent("notice")] == ["link_refused"]


@pytest.mark.spec("LNK-07", "A3", "A9")
def test_another_name_is_for_a_person_to_judge_and_the_holder_is_warned() -> None:
    world = LinkingWorld()
    txn = world.with_credentials(family_name="BERGER", given_name="Denis")
    assert refused(world, txn) == "names_differ"
    assert [item.payload["what"] for item in world.written.sent("notice")] == ["link_refused"]
    (line,) = world.written.of("identity.link_refused")
    assert line.details["score"] == 0
    assert len(str(line.details["names"])) == 64
    assert "berger" not in str(line).lower()


def test_after_a_refusal_the_journey_goes_on_with_what_the_credentials_are_worth() -> None:
    world = LinkingWorld()
    txn = world.with_credentials(family_name="BERGER")
    refused(world, txn)
    assert world.step(txn) is Step.COMPLETE
    session = world.complete(world.stored(txn))
    assert world.gate.assurance(session).amr == ("pwd", "otp")
    assert session.upstream is None


# LNK-08, SMS-10: which second factor


@pytest.mark.spec("LNK-08", "SMS-10", "A3")
def test_the_code_for_linking_goes_to_the_verified_address_and_never_by_sms() -> None:
    world = LinkingWorld()
    world.change(world.claire, phone="+33639980001", phone_verified_at=0.0, code_channel="sms")
    txn = world.with_credentials(code=False)
    assert world.code.channels(txn) == ("email",)
    txn = world.code.start(txn, CONTEXT, channel="sms")
    assert world.written.sent("one_time_code")[-1].payload["channel"] == "email"
    by_sms = replace(txn, evidence=(*txn.evidence, Evidence(Means.SMS_CODE, world.clock.now())))
    assert world.journey.next_step(by_sms, device_id=None) is Step.CODE


@pytest.mark.spec("LNK-08")
def test_an_account_whose_address_was_never_verified_has_no_second_factor_to_link_with() -> None:
    world = LinkingWorld()
    world.change(world.claire, email_verified_at=None)
    txn = world.linking.choose_existing(world.arrived())
    txn = world.password.submit(txn, "99900000011", PASSWORD, CONTEXT)
    assert world.step(txn) is Step.REFUSED


@pytest.mark.spec("LNK-08", "A14")
def test_a_reset_in_between_voids_the_credentials() -> None:
    world = LinkingWorld()
    txn = world.with_credentials()
    world.clock.advance(1)
    world.change(world.claire, code_demanded_since=world.clock.now())
    assert world.step(txn) is Step.PASSWORD
    with pytest.raises(TransactionMoved):
        world.linking.confirm(txn, CONTEXT)


def test_a_code_for_signing_in_is_not_one_for_linking_and_no_device_becomes_trusted() -> None:
    world = LinkingWorld()
    txn = world.code.start(world.with_credentials(code=False), CONTEXT)
    assert world.codes.records[txn.code_challenge_id or ""].purpose == "linking"
    key = Device().public_key
    _, device = world.code.submit(txn, world.sent_code(), CONTEXT, device_public_key=key)
    assert device is None
    assert world.devices.records == {}


# LNK-09, A4, A7: nothing of an attacker outlives the commit


@pytest.mark.spec("LNK-09", "A4")
def test_sessions_pending_resets_and_trusted_devices_die_at_commit() -> None:
    world = LinkingWorld()
    _, device_id = world.trusted_device()
    attackers = world.signed_in()
    assert world.resets.issue(world.claire.id, int(world.clock.now()), world.clock.now())
    reset = world.links.latest(world.claire.id, LinkPurpose.RESET)
    world.linking.confirm(world.with_credentials(), CONTEXT)
    assert world.gate.find(attackers.handle) is None
    assert world.sessions.records == {}
    assert reset is not None
    assert world.links.records[reset.id].revoked_at is not None
    assert world.devices.records[device_id].revoked_at is not None
    assert world.accounts.records[world.claire.id].contact_version == world.claire.contact_version + 1


@pytest.mark.spec("LNK-09", "A4")
def test_a_sign_in_that_was_under_way_elsewhere_does_not_survive_the_commit() -> None:
    world = LinkingWorld()
    attackers = world.with_code()
    assert world.step(attackers) is Step.COMPLETE
    txn = world.with_credentials()
    world.clock.advance(1)
    world.linking.confirm(txn, CONTEXT)
    assert world.step(attackers) is Step.PASSWORD


@pytest.mark.spec("LNK-09", "A7")
def test_the_holder_can_say_it_was_not_me_for_seventy_two_hours() -> None:
    world = LinkingWorld()
    session = world.complete(world.linked())
    order = world.written.sent("link")[-1].payload
    assert (order["purpose"], order["link"]) == ("not_me", world.only_link().id)
    token = world.not_me_token()
    assert world.disputes.inspect(token) == world.only_link()
    world.disputes.not_me(token, CONTEXT)
    assert world.gate.find(session.handle) is None
    with pytest.raises(IdentityRefused):
        world.arrived()
    with pytest.raises(IdentityRefused):
        world.arrived(kind=LinkKind.CARD)
    with pytest.raises(LinkGone):
        world.disputes.not_me(token, CONTEXT)
    world.clock.advance(72 * 3600)
    assert world.step(world.arrived()) is Step.COMPLETE


@pytest.mark.spec("LNK-09")
def test_after_seventy_two_hours_to_the_second_it_is_too_late() -> None:
    world = LinkingWorld()
    world.linked()
    token, link = world.not_me_token(), world.only_link()
    world.clock.at = link.created_at + 72 * 3600 - 0.001
    assert world.disputes.inspect(token)
    world.clock.advance(0.001)
    with pytest.raises(LinkGone):
        world.disputes.not_me(token, CONTEXT)
    for malformed in ("", "x", token[:-1], world.activation_token(world.person("zoe", status=AccountStatus.INVITED))):
        with pytest.raises(LinkGone):
            world.disputes.not_me(malformed, CONTEXT)


def test_a_protest_is_no_way_to_a_password() -> None:
    world = LinkingWorld()
    world.linked()
    for purpose in LinkPurpose:
        with pytest.raises(LinkGone):
            world.access.set_password(world.not_me_token(), purpose, "une autre phrase de passe", CONTEXT)


# A6: an identity moved into another transaction


@pytest.mark.spec("LNK-01", "A6")
def test_an_identity_copied_into_another_transaction_or_altered_is_none() -> None:
    world = LinkingWorld()
    txn, other = world.arrived(), world.open()
    moved = replace(other, extra=txn.extra)
    assert world.seal.opened(txn) == world.identity()
    assert world.seal.opened(moved) is None
    with pytest.raises(TransactionMoved):
        world.linking.holder(moved)
    wrong = IdentitySeal(PurposeKey(Purpose.PENDING_IDENTITY, bytes(32)), world.randomness)
    assert wrong.opened(txn) is None


@pytest.mark.spec("PSC-05")
def test_the_waiting_identity_is_not_readable_in_the_store() -> None:
    world = LinkingWorld()
    txn = world.arrived()
    said = str(world.transactions.records[digest(txn.handle)])
    assert [secret for secret in ("FONTAINE", RPPS, "upstream.id.token") if secret in said] == []


# LNK-12, A13; LNK-13, A12


@pytest.mark.spec("LNK-12", "A13")
def test_guesses_through_linking_count_with_those_of_the_sign_in_page() -> None:
    world = LinkingWorld()

    def guess(txn: SigninTransaction) -> SigninRefused:
        with pytest.raises(SigninRefused) as refusal:
            world.password.submit(txn, "claire", "wrong", CONTEXT)
        return refusal.value

    linking = world.linking.choose_existing(world.arrived())
    for _ in range(2):
        guess(world.open())
    assert guess(linking).facts["retry_seconds"] == 5
    with pytest.raises(SigninRefused, match="delayed"):
        world.password.submit(world.open(), "claire", PASSWORD, CONTEXT)
    with pytest.raises(SigninRefused, match="delayed"):
        world.password.submit(linking, "claire", PASSWORD, CONTEXT)


@pytest.mark.spec("LNK-13", "A12")
def test_before_the_credentials_nothing_differs_whether_an_account_has_the_rpps_or_not() -> None:
    def walked(prepare: Callable[[LinkingWorld], object]) -> tuple[object, ...]:
        world = LinkingWorld()
        prepare(world)
        world.accounts.lookups = 0
        txn = world.linking.choose_existing(world.arrived())
        lines = [(line.name, line.outcome, line.reason, line.target) for line in world.written.events]
        return world.step(txn), txn.account_id, txn.evidence, world.accounts.lookups, lines

    nobody = walked(lambda world: world.change(world.claire, rpps=None))
    assert nobody == walked(lambda world: None)
    assert nobody == walked(lambda world: world.change(world.claire, status=AccountStatus.ARCHIVED))
    assert nobody[:4] == (Step.PASSWORD, None, (), 0)


# LNK-14, A16


@pytest.mark.spec("LNK-14", "A16")
def test_of_two_browsers_that_link_one_account_the_second_must_begin_again() -> None:
    world = LinkingWorld()
    first, second = world.with_credentials(), world.with_credentials(subject="another", national_id=None)
    world.clock.advance(1)
    world.linking.confirm(first, CONTEXT)
    assert world.step(second) is Step.PASSWORD
    with pytest.raises(TransactionMoved):
        world.linking.confirm(second, CONTEXT)
    assert len(world.identities.records) == 1


# A second means of the same person; switching off


def test_another_means_with_the_same_national_identifier_joins_the_account_and_its_holder_is_told() -> None:
    world = LinkingWorld()
    world.linked()
    txn = world.arrived(kind=LinkKind.CARD, issuer="ca", subject="serial")
    assert world.step(txn) is Step.COMPLETE
    joined = world.identities.find(LinkKind.CARD, "ca", "serial")
    assert joined is not None
    assert (joined.account_id, joined.proof) == (world.claire.id, LinkProof.NATIONAL_ID)
    assert world.written.sent("notice")[-1].payload["what"] == "identity_joined"


@pytest.mark.spec("LNK-10", "A7")
def test_a_means_that_was_switched_off_does_not_come_back_by_itself() -> None:
    world = LinkingWorld()
    session = world.complete(world.linked())
    psc = world.only_link()
    world.arrived(kind=LinkKind.CARD, issuer="ca", subject="serial")
    world.person("denis")
    assert not world.linked_identities.unlink("id-of-denis", psc.id, CONTEXT)
    assert world.linked_identities.unlink(world.claire.id, psc.id, CONTEXT)
    assert not world.linked_identities.unlink(world.claire.id, psc.id, CONTEXT)
    assert world.gate.find(session.handle) is None
    assert world.step(world.arrived()) is Step.LINK
    assert world.step(world.arrived(subject="f:new:provider")) is Step.LINK
    assert world.step(world.arrived(kind=LinkKind.CARD, issuer="ca", subject="serial")) is Step.COMPLETE


@pytest.mark.spec("SES-02")
def test_the_second_person_of_a_browser_is_never_the_first() -> None:
    world = LinkingWorld()
    world.linked()
    denis = world.signed_in(who=world.person("denis").username)
    txn = world.linking.begin(world.open(session=denis), world.identity(), CONTEXT)
    session = world.complete(txn, denis.handle)
    assert session.account_id == world.claire.id
    assert (session.sid, session.clients) != (denis.sid, denis.clients)
    assert world.gate.find(denis.handle) is None
    unknown = world.linking.begin(world.open(session=session), world.identity(rpps=OTHER_RPPS), CONTEXT)
    assert (unknown.account_id, unknown.evidence) == (None, ())


# Activation by the identity (DECISIONS 7)


def activation(world: LinkingWorld, **account: Any) -> str:
    zoe = world.person(
        "zoe", password=None, status=AccountStatus.INVITED, email_verified_at=None, rpps=OTHER_RPPS, **account
    )
    return world.activation_token(zoe)


@pytest.mark.spec("LNK-06", "R001-03")
def test_an_invited_account_is_activated_and_linked_in_one_gesture_without_a_password() -> None:
    world = LinkingWorld()
    token = activation(world)
    txn = world.linking.begin_activation(world.open(), token, world.identity(rpps=OTHER_RPPS), CONTEXT)
    assert world.step(txn) is Step.CONFIRM_LINK
    assert world.linking.preview(txn).activation
    assert world.accounts.records["id-of-zoe"].status is AccountStatus.INVITED
    txn = world.linking.confirm(txn, CONTEXT)
    zoe = world.accounts.records["id-of-zoe"]
    assert (zoe.status, zoe.password_hash, zoe.rpps_proof) == (AccountStatus.ACTIVE, None, RppsProof.PSC)
    assert world.only_link().proof is LinkProof.ACTIVATION
    assert world.complete(txn).account_id == zoe.id
    assert {"link.used", "account.activated", "identity.linked"} <= set(world.written.names())
    assert [item.payload["what"] for item in world.written.sent("notice")] == ["welcome"]
    with pytest.raises(LinkGone):
        world.linking.begin_activation(world.open(), token, world.identity(rpps=OTHER_RPPS), CONTEXT)


@pytest.mark.spec("LNK-06", "LNK-07")
@pytest.mark.parametrize(
    ("reason", "changes"),
    [("account_has_other_rpps", {"rpps": "99900000037"}), ("names_differ", {"family_name": "BERGER"})],
)
def test_an_activation_is_for_the_person_who_was_invited(reason: str, changes: dict[str, Any]) -> None:
    world = LinkingWorld()
    token = activation(world)
    identity = world.identity(**({"rpps": OTHER_RPPS} | changes))
    txn = world.linking.begin_activation(world.open(), token, identity, CONTEXT)
    assert refused(world, txn) == reason
    assert world.accounts.records["id-of-zoe"].status is AccountStatus.INVITED
    # The link was not consumed: the right person can still use it.
    right = world.identity(rpps=OTHER_RPPS)
    txn = world.linking.begin_activation(world.open(), token, right, CONTEXT)
    assert world.step(world.linking.confirm(txn, CONTEXT)) is Step.COMPLETE


@pytest.mark.spec("LNK-01")
def test_an_activation_needs_a_fresh_identity_and_a_link_that_is_alive() -> None:
    world = LinkingWorld()
    token = activation(world)
    txn = world.linking.begin_activation(world.open(), token, world.identity(rpps=OTHER_RPPS), CONTEXT)
    world.clock.advance(300)
    assert world.step(txn) is Step.IDENTITY
    with pytest.raises(TransactionMoved):
        world.linking.confirm(txn, CONTEXT)
    txn = world.linking.begin_activation(txn, token, world.identity(rpps=OTHER_RPPS), CONTEXT)
    link = world.links.latest("id-of-zoe", LinkPurpose.ACTIVATION)
    assert link is not None
    world.links.records[link.id] = replace(link, revoked_at=world.clock.now())
    with pytest.raises(LinkGone):
        world.linking.confirm(txn, CONTEXT)
    for malformed in ("", "x", world.activation_token(world.person("max"))):
        with pytest.raises(LinkGone):
            world.linking.begin_activation(world.open(), malformed, world.identity(), CONTEXT)


def test_a_refused_identity_leaves_one_line_and_the_success_another() -> None:
    world = LinkingWorld()
    world.linked()
    lines = [(line.name, line.outcome, line.reason) for line in world.written.of("signin.identity")]
    assert lines == [
        ("signin.identity", Outcome.REFUSED, "pending"),
        ("signin.identity", Outcome.SUCCESS, None),
    ]


# What the others cannot change in the middle


@pytest.mark.spec("LNK-02", "SES-02", "A1")
def test_each_proof_given_while_an_identity_waits_renews_the_handle_and_no_other_does() -> None:
    world = LinkingWorld()
    arrived = world.linking.choose_existing(world.arrived())
    known = world.password.submit(arrived, "claire", PASSWORD, CONTEXT)
    coded = world.coded(known)
    assert len({arrived.handle, known.handle, coded.handle}) == 3
    for former in (arrived, known):
        with pytest.raises(TransactionGone):
            world.stored(former)
    assert world.linking.holder(coded) == world.linking.holder(known) == world.identity()
    ordinary = world.open()
    assert world.password.submit(ordinary, "claire", PASSWORD, CONTEXT).handle == ordinary.handle


@pytest.mark.spec("LNK-02", "A1")
def test_a_code_that_meets_another_request_of_its_tab_is_not_lost_and_still_renews_the_handle() -> None:
    world = LinkingWorld()
    before = world.code.start(world.with_credentials(code=False), CONTEXT)
    world.linking.choose_existing(before)
    after, _ = world.code.submit(before, world.sent_code(), CONTEXT)
    assert after.handle != before.handle
    assert world.step(after) is Step.CONFIRM_LINK


@pytest.mark.spec("LNK-08", "A14")
@pytest.mark.parametrize(
    "meanwhile",
    [
        {"status": AccountStatus.ARCHIVED},
        {"status": AccountStatus.BLOCKED},
        {"status": AccountStatus.INVITED},
        {"email_verified_at": None},
    ],
    ids=str,
)
def test_an_account_that_is_no_longer_what_it_was_is_not_linked(meanwhile: dict[str, Any]) -> None:
    world = LinkingWorld()
    txn = world.with_credentials()
    world.change(world.claire, **meanwhile)
    with pytest.raises(TransactionMoved):
        world.linking.confirm(txn, CONTEXT)
    assert world.identities.records == {}


@pytest.mark.spec("LNK-03", "A2")
def test_a_change_of_contact_in_the_middle_changes_what_the_form_is_made_for() -> None:
    world = LinkingWorld()
    txn = world.with_credentials()
    before = world.linking.preview(txn).binding
    world.change(world.claire, contact_version=world.claire.contact_version + 1)
    assert world.linking.preview(txn).binding != before


@pytest.mark.spec("LNK-14", "A16")
def test_a_confirmation_serves_once() -> None:
    world = LinkingWorld()
    txn = world.with_credentials()
    world.linking.confirm(txn, CONTEXT)
    with pytest.raises(TransactionMoved):
        world.linking.confirm(txn, CONTEXT)
    assert len(world.identities.records) == 1
    assert world.written.sent("notice") == []


@pytest.mark.spec("LNK-04", "LNK-08", "A4")
def test_an_account_that_somebody_prepared_with_the_victims_address_and_name_is_not_merged() -> None:
    """Invited, never activated, with the victim's e-mail, name and declared RPPS."""
    world = LinkingWorld()
    trap = world.person("piege", password=None, status=AccountStatus.INVITED, email="claire@exemple.fr", rpps=None)
    world.change(world.claire, rpps=None, email="autre@exemple.fr")
    txn = world.arrived()
    assert world.step(txn) is Step.LINK
    txn = world.linking.choose_existing(txn)
    with pytest.raises(SigninRefused):
        world.password.submit(txn, "claire@exemple.fr", PASSWORD, CONTEXT)
    assert world.accounts.records[trap.id] == trap


@pytest.mark.spec("LNK-05", "LNK-06", "A4")
def test_an_account_that_holds_an_attackers_identity_takes_no_second_one() -> None:
    """The trojan identifier: the attacker linked theirs first, without an RPPS, and waits for the victim's."""
    world = LinkingWorld()
    world.change(world.claire, rpps=None)
    world.linked()
    txn = world.with_credentials(rpps=OTHER_RPPS)
    assert refused(world, txn) == "account_has_other_rpps"


@pytest.mark.spec("LNK-06", "A16")
def test_an_activation_link_used_for_a_password_while_the_identity_waits_links_nothing() -> None:
    world = LinkingWorld()
    token = activation(world)
    txn = world.linking.begin_activation(world.open(), token, world.identity(rpps=OTHER_RPPS), CONTEXT)
    world.access.set_password(token, LinkPurpose.ACTIVATION, "le martinet dort en volant", CONTEXT)
    for act in (world.linking.preview, lambda each: world.linking.confirm(each, CONTEXT)):
        with pytest.raises(LinkGone):
            act(txn)
    assert world.identities.records == {}


@pytest.mark.spec("LNK-06", "A3")
def test_credentials_do_not_stand_beside_an_activation_that_waits() -> None:
    """The activation waits for its own account; a password typed in that transaction links nothing to the one it opens."""
    world = LinkingWorld()
    token = activation(world)
    txn = world.linking.begin_activation(world.open(), token, world.identity(rpps=OTHER_RPPS), CONTEXT)
    txn = world.coded(world.password.submit(txn, "claire", PASSWORD, CONTEXT))
    world.linking.confirm(txn, CONTEXT)
    assert world.only_link().account_id == "id-of-zoe"


@pytest.mark.spec("LNK-09", "A7")
def test_a_protest_also_stops_the_card_that_joined_the_disputed_identity() -> None:
    world = LinkingWorld()
    world.linked()
    token = world.not_me_token()
    card = {"kind": LinkKind.CARD, "issuer": "ca", "subject": "serial"}
    assert world.step(world.arrived(**card)) is Step.COMPLETE
    world.disputes.not_me(token, CONTEXT)
    for changes in ({}, card, {**card, "subject": "another serial"}):
        with pytest.raises(IdentityRefused):
            world.arrived(**changes)


@pytest.mark.spec("LNK-09", "A7")
@pytest.mark.parametrize("how", ["not me", "switched off"])
def test_a_journey_that_was_under_way_does_not_survive_its_link(how: str) -> None:
    """Whoever keeps one sign-in open, at its last step, does not outlive the protest by it."""
    world = LinkingWorld()
    under_way = world.linked()
    assert world.step(under_way) is Step.COMPLETE
    if how == "not me":
        world.disputes.not_me(world.not_me_token(), CONTEXT)
    else:
        assert world.linked_identities.unlink(world.claire.id, world.only_link().id, CONTEXT)
    assert world.step(under_way) is Step.PASSWORD
    with pytest.raises(TransactionMoved):
        world.complete(under_way)
    assert world.sessions.records == {}


@pytest.mark.spec("LNK-09", "A16")
def test_a_session_that_begins_while_its_link_is_frozen_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    world = LinkingWorld()
    under_way = world.linked()
    start = world.sessions.start

    def protest_first(*given: Any, **named: Any) -> bool:
        world.disputes.not_me(world.not_me_token(), CONTEXT)
        return start(*given, **named)

    monkeypatch.setattr(world.sessions, "start", protest_first)
    with pytest.raises(TransactionGone):
        world.complete(under_way)
    assert world.sessions.records == {}


@pytest.mark.spec("LNK-09", "A4")
def test_a_session_that_begins_while_the_link_is_being_committed_dies_too(monkeypatch: pytest.MonkeyPatch) -> None:
    world = LinkingWorld()
    txn, attackers = world.with_credentials(), world.with_code()
    commit = world.identities.commit

    def session_first(*given: Any, **named: Any) -> Account:
        world.complete(attackers)
        return commit(*given, **named)

    monkeypatch.setattr(world.identities, "commit", session_first)
    world.linking.confirm(txn, CONTEXT)
    assert world.sessions.records == {}


@pytest.mark.spec("LNK-06", "LNK-08", "A14")
@pytest.mark.parametrize("purpose", [LinkPurpose.RESET, LinkPurpose.NOT_ME])
def test_a_link_sent_for_something_else_activates_nothing(purpose: LinkPurpose) -> None:
    world = LinkingWorld()
    activation(world)
    zoe = world.accounts.records["id-of-zoe"]
    link = new_link(
        world.link_key,
        purpose,
        account_id=zoe.id,
        contact_version=zoe.contact_version,
        now=world.clock.now(),
        ttl_seconds=3600,
        randomness=world.randomness,
    )
    world.links.issue(link, NO_EFFECTS)
    token = link_token(world.link_key, purpose, link.id)
    with pytest.raises(LinkGone):
        world.linking.begin_activation(world.open(), token, world.identity(rpps=OTHER_RPPS), CONTEXT)


@pytest.mark.spec("LNK-06", "A4")
def test_an_activation_sent_to_an_address_that_changed_since_is_dead() -> None:
    world = LinkingWorld()
    token = activation(world)
    zoe = world.accounts.records["id-of-zoe"]
    world.change(zoe, email="autre@exemple.fr", contact_version=zoe.contact_version + 1)
    with pytest.raises(LinkGone):
        world.linking.begin_activation(world.open(), token, world.identity(rpps=OTHER_RPPS), CONTEXT)


def test_nothing_is_chosen_or_given_up_where_no_identity_waits() -> None:
    world = LinkingWorld()
    lent = world.open(session=world.complete(world.linked()))
    refused_one = world.journey.refuse(world.arrived(rpps=OTHER_RPPS), "access_denied", CONTEXT)
    for txn in (world.open(), lent, refused_one):
        for act in (world.linking.choose_existing, world.linking.give_up):
            with pytest.raises(TransactionMoved):
                act(txn)
    assert world.stored(lent).extra == lent.extra
