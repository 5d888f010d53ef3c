"""Activation and reset, by one-time link."""

import hashlib
from dataclasses import replace

import pytest

from gateway.accounts.account import Account, AccountStatus
from gateway.accounts.create_account import NewAccount, create_account, issue_activation
from gateway.accounts.one_time_link import LinkPurpose, link_token, token_digest
from gateway.randomness import base64url
from gateway.signin.assurance import ACR_PWD_OTP_MAIL
from gateway.signin.enrolment.access_link import LinkGone, PasswordTooWeak
from gateway.signin.journey import Step
from gateway.signin.password.signin import SigninRefused
from gateway.signin.policy import DAY
from tests.unit.signin.world import CONTEXT, PASSWORD, World

NEW = "un martin-pêcheur bleu"
RESET, ACTIVATION = LinkPurpose.RESET, LinkPurpose.ACTIVATION


def sent_token(world: World, nth: int = -1) -> str:
    order = world.written.sent("link")[nth].payload
    return link_token(world.link_key, LinkPurpose(order["purpose"]), str(order["link"]))


def reset_token(world: World) -> str:
    world.ask_reset("claire")
    return sent_token(world)


def invited(world: World) -> Account:
    new = NewAccount(username="denis", family_name="Aubert", given_name="Denis", email="denis@exemple.fr")
    return create_account(
        new,
        accounts=world.accounts,
        links=world.links,
        link_key=world.link_key,
        link_ttl_seconds=DAY,
        operator="operator",
        now=world.clock.now(),
        randomness=world.randomness,
    )


@pytest.mark.spec("RST-01")
def test_a_token_is_256_bits_and_only_its_digest_is_stored() -> None:
    world = World()
    token = reset_token(world)
    assert len(token) == 43
    (link,) = world.links.records.values()
    assert link.token_digest == hashlib.sha256(token.encode()).digest() == token_digest(token)
    assert (link.purpose, link.account_id, link.contact_version) == (RESET, world.claire.id, 1)
    assert token not in repr((vars(world.links), vars(world.written)))


@pytest.mark.spec("RST-02")
def test_a_link_is_accepted_at_23_59_59_and_refused_at_24_00_00() -> None:
    for age, alive in ((DAY - 1, True), (DAY, False)):
        world = World()
        denis = invited(world)
        world.clock.advance(age)
        if alive:
            assert world.access.inspect(sent_token(world), ACTIVATION).id == denis.id
            assert world.access.set_password(sent_token(world), ACTIVATION, NEW, CONTEXT)
        else:
            for call in (
                lambda w=world: w.access.inspect(sent_token(w), ACTIVATION),
                lambda w=world: w.access.set_password(sent_token(w), ACTIVATION, NEW, CONTEXT),
            ):
                with pytest.raises(LinkGone):
                    call()


@pytest.mark.spec("RST-03")
def test_looking_at_a_link_consumes_nothing_and_setting_the_password_consumes_it() -> None:
    world = World()
    token = reset_token(world)
    for _ in range(3):
        assert world.access.inspect(token, RESET).id == world.claire.id
    world.access.set_password(token, RESET, NEW, CONTEXT)
    with pytest.raises(LinkGone):
        world.access.inspect(token, RESET)
    with pytest.raises(LinkGone):
        world.access.set_password(token, RESET, NEW, CONTEXT)


@pytest.mark.spec("RST-04", "AC-043")
def test_a_new_link_revokes_the_older_and_a_changed_contact_or_an_archive_revokes_all() -> None:
    world = World()
    older, newer = reset_token(world), reset_token(world)
    with pytest.raises(LinkGone):
        world.access.inspect(older, RESET)
    assert world.access.inspect(newer, RESET)
    world.change(world.claire, contact_version=2)
    with pytest.raises(LinkGone):
        world.access.inspect(newer, RESET)
    world.change(world.claire, contact_version=1, status=AccountStatus.ARCHIVED)
    with pytest.raises(LinkGone):
        world.access.inspect(newer, RESET)


def test_unknown_malformed_and_foreign_tokens_meet_one_refusal() -> None:
    world = World()
    token = reset_token(world)
    for wrong in ("", "x", token[:-1], token + "A", token + "=", " " + token, base64url(b"\x00" * 32), "é" * 43):
        with pytest.raises(LinkGone) as refusal:
            world.access.inspect(wrong, RESET)
        assert (refusal.value.code, refusal.value.text, dict(refusal.value.facts)) == ("link_gone", "link.gone", {})
    with pytest.raises(LinkGone):
        world.access.inspect(token, ACTIVATION)


@pytest.mark.spec("RST-06")
def test_asking_for_a_reset_is_always_quiet_and_changes_no_account() -> None:
    world = World()
    world.person("archived", status=AccountStatus.ARCHIVED)
    world.person("blocked", status=AccountStatus.BLOCKED)
    before = dict(world.accounts.records)
    for typed in ("archived", "blocked", "nobody", "nobody@exemple.fr", "", "99900000029", "\ud800"):
        lines = len(world.written.events)
        world.ask_reset(typed)
        assert world.written.names()[lines:] == ["link.requested"]
    assert world.written.outgoing == []
    assert world.accounts.records == before
    world.ask_reset("Claire@exemple.fr")
    assert len(world.written.sent("link")) == 1
    assert world.accounts.records == before


def test_a_known_address_without_a_password_receives_a_useful_mail() -> None:
    world = World()
    world.person("card-only", password=None)
    invited(world)
    world.written.outgoing.clear()
    for typed in ("card-only", "denis"):
        world.ask_reset(typed)
    assert [item.payload["what"] for item in world.written.sent("notice")] == ["reset_without_password"] * 2
    assert not world.written.sent("link")


@pytest.mark.spec("RST-06")
def test_resets_are_limited_to_three_an_hour_for_an_account_and_twenty_for_an_address() -> None:
    world = World()
    world.clock.at = 20_000 * DAY
    for typed in ("claire", "claire@exemple.fr", "99900000011", "claire", "claire"):
        world.ask_reset(typed)
    assert len(world.written.sent("link")) == 3
    for number in range(15):
        world.ask_reset(f"nobody {number}")
    world.person("denis")
    world.ask_reset("denis")
    assert len(world.written.sent("link")) == 3
    world.ask_reset("denis", replace(CONTEXT, ip="198.51.100.9"))
    assert len(world.written.sent("link")) == 4


@pytest.mark.spec("RST-07")
def test_a_reset_opens_no_session_and_the_next_sign_in_asks_a_code_even_on_a_trusted_device() -> None:
    world = World()
    _, device_id = world.trusted_device()
    world.clock.advance(1)
    world.access.set_password(reset_token(world), RESET, NEW, CONTEXT)
    assert world.sessions.records == {}
    with pytest.raises(SigninRefused):
        world.with_password()
    txn = world.password.submit(world.open(), "claire", NEW, CONTEXT)
    assert world.step(txn, device_id) is Step.CODE
    # Even if the record had escaped the revocation, its trust is older than the reset.
    world.devices.records[device_id] = replace(world.devices.records[device_id], revoked_at=None)
    assert world.step(txn, device_id) is Step.CODE


@pytest.mark.spec("RST-08")
def test_a_reset_ends_every_session_device_and_code_and_tells_the_person() -> None:
    world = World()
    world.signed_in()
    session = world.signed_in()
    _, device_id = world.trusted_device()
    under_way = world.code.start(world.with_password(), CONTEXT)
    world.clock.advance(1)
    world.access.set_password(reset_token(world), RESET, NEW, CONTEXT)
    assert world.gate.find(session.handle) is None
    assert world.sessions.records == {}
    assert world.devices.records[device_id].revoked_at == world.clock.now()
    assert world.step(under_way) is Step.PASSWORD
    assert world.written.sent("notice")[-1].payload["what"] == "password_changed"
    assert {"link.used", "account.password_set", "session.ended"} <= set(world.written.names())


def test_a_weak_password_is_refused_and_the_link_still_serves() -> None:
    world = World()
    token = reset_token(world)
    with pytest.raises(PasswordTooWeak):
        world.access.set_password(token, RESET, "trop court", CONTEXT)
    assert world.access.set_password(token, RESET, NEW, CONTEXT)


def test_two_uses_at_once_give_one_password() -> None:
    world = World()
    token = reset_token(world)
    stale = dict(world.links.records)
    world.access.set_password(token, RESET, NEW, CONTEXT)
    hashed = world.accounts.records[world.claire.id].password_hash
    world.links.find_by_digest = lambda digest: next(iter(stale.values()))  # type: ignore[method-assign]
    with pytest.raises(LinkGone):
        world.access.set_password(token, RESET, "un autre mot, plus tard", CONTEXT)
    assert world.accounts.records[world.claire.id].password_hash == hashed


@pytest.mark.spec("PWD-11")
def test_a_created_account_has_no_credential_until_its_holder_activates_it() -> None:
    world = World()
    denis = invited(world)
    assert (denis.status, denis.password_hash, denis.email_verified_at) == (AccountStatus.INVITED, None, None)
    with pytest.raises(SigninRefused):
        world.with_password(who="denis")
    world.clock.advance(60)
    active = world.access.set_password(sent_token(world), ACTIVATION, PASSWORD, CONTEXT)
    assert (active.status, active.email_verified_at) == (AccountStatus.ACTIVE, world.clock.now())
    assert world.sessions.records == {}
    session = world.signed_in(who="denis@exemple.fr")
    assert world.gate.assurance(session).acr == ACR_PWD_OTP_MAIL
    assert {"account.created", "link.requested", "account.activated"} <= set(world.written.names())


def test_a_new_activation_link_replaces_the_first() -> None:
    world = World()
    denis = invited(world)
    first = sent_token(world)
    issue_activation(
        denis,
        links=world.links,
        link_key=world.link_key,
        link_ttl_seconds=DAY,
        operator="operator",
        now=world.clock.now(),
        randomness=world.randomness,
    )
    with pytest.raises(LinkGone):
        world.access.inspect(first, ACTIVATION)
    assert world.access.inspect(sent_token(world), ACTIVATION)


@pytest.mark.spec("RST-06")
def test_a_reset_order_makes_one_link_even_taken_twice_and_none_for_an_account_that_changed_meanwhile() -> None:
    world = World()
    world.access.request_reset("claire", CONTEXT)
    asked_at = int(world.written.sent("reset")[0].payload["asked_at"])
    assert world.written.sent("link") == []
    assert world.resets.issue(world.claire.id, asked_at, world.clock.now())
    assert not world.resets.issue(world.claire.id, asked_at, world.clock.now() + 60)
    assert len(world.written.sent("link")) == 1
    for changed in ({"status": AccountStatus.ARCHIVED}, {"password_hash": None}):
        world = World()
        world.change(world.claire, **changed)
        assert not world.resets.issue(world.claire.id, 0, 1.0)
    world = World()
    assert not world.resets.issue(world.claire.id, 0, float(DAY))
    assert not world.resets.issue("nobody", 0, 1.0)
