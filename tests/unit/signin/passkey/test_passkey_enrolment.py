"""Enrolling, naming and removing passkeys, and activating an account with one (FID-10; DECISIONS 7)."""

from dataclasses import replace

import pytest

from gateway.accounts.account import AccountStatus
from gateway.signin.enrolment.access_link import LinkGone
from gateway.signin.journey import Step
from gateway.signin.passkey.refusals import (
    LastPasskey,
    PasskeyGone,
    PasskeyKnown,
    PasskeyMayTravel,
    PasskeyNotAdded,
    TooManyPasskeys,
)
from gateway.signin.totp.enrolment import LastFactor
from tests.unit.signin.factor_world import enrolled
from tests.unit.signin.passkey.passkey_world import PasskeyWorld, a_policy
from tests.unit.signin.world import CONTEXT
from tests.webauthn_authenticator import BE, UP, UV


@pytest.fixture
def world() -> PasskeyWorld:
    return PasskeyWorld()


def told(world: PasskeyWorld) -> list[object]:
    return [item.payload["what"] for item in world.written.sent("notice")]


@pytest.mark.spec("FID-08")
def test_a_passkey_is_kept_as_it_is_and_its_holder_is_told(world: PasskeyWorld) -> None:
    passkey = world.enrol(world.authenticator(flags=UP | UV | BE, aaguid=bytes(range(16))))
    assert passkey.aaguid == "00010203-0405-0607-0809-0a0b0c0d0e0f"
    assert (passkey.backup_eligible, passkey.backed_up) == (True, False)
    assert passkey.label == "Mon ordinateur"
    assert told(world) == ["passkey_added"]
    (line,) = world.written.of("authenticator.added")
    assert line.details == {"authenticator": passkey.id, "means": "passkey"}


def test_a_credential_is_one_account_s(world: PasskeyWorld) -> None:
    paul = world.person("paul")
    world.enrol(world.authenticator(), credential_id=b"the same")
    with pytest.raises(PasskeyKnown):
        world.enrol(world.authenticator(), paul, credential_id=b"the same")
    with pytest.raises(PasskeyKnown):
        world.enrol(world.authenticator(), credential_id=b"the same")


def test_an_authenticator_that_has_one_is_told_so(world: PasskeyWorld) -> None:
    passkey = world.enrol(world.authenticator())
    options = world.passkeys.begin(world.claire, world.session_of(world.claire))
    assert len(options["excludeCredentials"]) == 1
    assert passkey.credential_id not in repr(world.written.events).encode()


def test_nobody_has_more_than_ten(world: PasskeyWorld) -> None:
    session, authenticator = world.session_of(world.claire), world.authenticator()
    late = world.passkeys.begin(world.claire, session)
    for _ in range(10):
        answer = authenticator.create(world.passkeys.begin(world.claire, session))
        world.passkeys.finish(world.claire, session, answer, "Clé", CONTEXT)
    with pytest.raises(TooManyPasskeys):
        world.passkeys.begin(world.claire, session)
    with pytest.raises(TooManyPasskeys):
        world.passkeys.finish(world.claire, session, authenticator.create(late), "Clé", CONTEXT)


@pytest.mark.spec("FID-08")
def test_an_administrator_cannot_enrol_one_that_travels() -> None:
    world = PasskeyWorld(a_policy(administrators_passkeys_stay=True))
    session = world.session_of(world.claire)
    boss = world.change(world.claire, is_administrator=True)
    travels = world.authenticator(flags=UP | UV | BE).create(world.passkeys.begin(boss, session))
    with pytest.raises(PasskeyMayTravel):
        world.passkeys.finish(boss, session, travels, "Clé", CONTEXT)
    stays = world.authenticator().create(world.passkeys.begin(boss, session))
    assert world.passkeys.finish(boss, session, stays, "Clé", CONTEXT)


@pytest.mark.spec("FID-10")
def test_the_last_one_is_removed_by_an_administrator_alone(world: PasskeyWorld) -> None:
    first = world.enrol(world.authenticator())
    with pytest.raises(LastPasskey):
        world.passkeys.remove(world.claire, first.id, CONTEXT, sparing="")
    second = world.enrol(world.authenticator())
    world.passkeys.remove(world.claire, first.id, CONTEXT, sparing="")
    assert [one.id for one in world.passkeys.of(world.claire)] == [second.id]
    assert told(world)[-1] == "passkey_removed"
    with pytest.raises(PasskeyGone):
        world.passkeys.remove(world.claire, first.id, CONTEXT, sparing="")


@pytest.mark.spec("SES-08", "SES-07")
def test_whoever_removes_one_ends_the_sessions_that_are_elsewhere(world: PasskeyWorld) -> None:
    lost, kept = world.enrol(world.authenticator()), world.enrol(world.authenticator())
    elsewhere, here = world.session_of(world.claire), world.session_of(world.claire)
    somebody = world.session_of(world.person("paul"))
    world.passkeys.remove(world.claire, lost.id, CONTEXT, sparing=here.handle)
    now = world.clock.now()
    assert world.sessions.find(elsewhere.handle, now) is None
    assert world.sessions.find(here.handle, now) and world.sessions.find(somebody.handle, now)
    assert world.written.of("session.ended")[-1].reason == "authenticator_revoked"
    with pytest.raises(LastPasskey):
        world.passkeys.remove(world.claire, kept.id, CONTEXT, sparing="")
    assert world.sessions.find(here.handle, now), "nothing was removed, nothing ends"


@pytest.mark.spec("FID-10")
def test_a_linked_identity_or_an_application_beside_a_password_is_enough_without_it(world: PasskeyWorld) -> None:
    world.linked()
    linked = world.enrol(world.authenticator())
    world.passkeys.remove(world.claire, linked.id, CONTEXT, sparing="")
    paul = world.person("paul")
    his = world.enrol(world.authenticator(), paul)
    enrolled(world, paul)
    world.passkeys.remove(paul, his.id, CONTEXT, sparing="")


@pytest.mark.spec("FID-10")
def test_an_application_is_nothing_to_whom_has_no_password(world: PasskeyWorld) -> None:
    mine = world.enrol(world.authenticator())
    enrolled(world)
    claire = world.change(world.claire, password_hash=None)
    with pytest.raises(LastPasskey):
        world.passkeys.remove(claire, mine.id, CONTEXT, sparing="")


@pytest.mark.spec("FID-10")
def test_a_passkey_lets_an_application_go_but_a_flagged_one_does_not(world: PasskeyWorld) -> None:
    passkey = world.enrol(world.authenticator())
    enrolled(world)
    (application,) = world.enrolment.of(world.claire)
    world.passkey_store.records[passkey.id] = replace(passkey, flagged_at=1.0)
    with pytest.raises(LastFactor):
        world.enrolment.remove(world.claire, application.id, CONTEXT, sparing="")
    world.passkey_store.records[passkey.id] = passkey
    world.enrolment.remove(world.claire, application.id, CONTEXT, sparing="")


def test_nobody_names_or_removes_another_s(world: PasskeyWorld) -> None:
    paul, hers = world.person("paul"), world.enrol(world.authenticator())
    for change in (
        lambda: world.passkeys.rename(paul, hers.id, "mine", CONTEXT),
        lambda: world.passkeys.remove(paul, hers.id, CONTEXT, sparing=""),
    ):
        with pytest.raises(PasskeyGone):
            change()
    world.passkeys.rename(world.claire, hers.id, " Clé\u202e bleue \n", CONTEXT)
    assert world.passkeys.mine(world.claire, hers.id).label == "Clé bleue"


@pytest.mark.spec("RST-11", "R001-03")
def test_an_activation_by_passkey_needs_no_password_and_verifies_the_address(world: PasskeyWorld) -> None:
    zoe = world.person("zoe", password=None, status=AccountStatus.INVITED, email_verified_at=None)
    token, authenticator = world.activation_token(zoe), world.authenticator()
    answer = authenticator.create(world.passkeys.begin_activation(token))
    active = world.passkeys.activate(token, answer, "", CONTEXT)
    assert active.status is AccountStatus.ACTIVE
    assert active.email_verified_at == world.clock.now()
    assert active.password_hash is None
    assert {"link.used", "account.activated", "authenticator.added"} <= set(world.written.names())
    assert [item.payload["what"] for item in world.written.sent("notice")] == ["welcome", "passkey_added"]
    assert world.step(world.with_passkey(authenticator)) is Step.COMPLETE
    with pytest.raises(LinkGone):
        world.passkeys.begin_activation(token)


@pytest.mark.spec("REG-09")
def test_an_activation_by_passkey_from_a_printed_sheet_verifies_no_address(world: PasskeyWorld) -> None:
    zoe = world.person("zoe", password=None, status=AccountStatus.INVITED, email_verified_at=None)
    token = world.activation_token(zoe)
    (link,) = world.links.records.values()
    world.links.records[link.id] = replace(link, printed_by="a référent")
    answer = world.authenticator().create(world.passkeys.begin_activation(token))
    active = world.passkeys.activate(token, answer, "", CONTEXT)
    assert (active.status, active.email_verified_at) == (AccountStatus.ACTIVE, None)


@pytest.mark.spec("RST-11", "FID-04")
def test_an_activation_s_challenge_is_of_its_link(world: PasskeyWorld) -> None:
    people = [world.person(name, password=None, status=AccountStatus.INVITED) for name in ("zoe", "yann")]
    zoes, yanns = (world.activation_token(one) for one in people)
    answer = world.authenticator().create(world.passkeys.begin_activation(zoes))
    with pytest.raises(PasskeyNotAdded, match="challenge"):
        world.passkeys.activate(yanns, answer, "", CONTEXT)
    assert world.accounts.records[people[1].id].status is AccountStatus.INVITED


@pytest.mark.spec("RST-11")
def test_a_link_that_is_over_activates_nobody(world: PasskeyWorld) -> None:
    zoe = world.person("zoe", password=None, status=AccountStatus.INVITED)
    token = world.activation_token(zoe)
    answer = world.authenticator().create(world.passkeys.begin_activation(token))
    world.clock.advance(3600)
    with pytest.raises(LinkGone):
        world.passkeys.activate(token, answer, "", CONTEXT)
    assert not world.passkey_store.records
