"""Two people, one after the other, in one browser of a shared post: the second is never the first (SES-11)."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.signin.shared_post.post import SharedBy
from tests.requirements.assembled import Answer, Browser, Gateway, action_of, claims_of, hidden_fields, told

HOSPITAL = """
networks:
  - name: CH fictif
    cidrs: [192.0.2.0/24]
  - name: Urgences
    cidrs: [198.51.100.0/24]
    shared: true
"""
IN_THE_EMERGENCY_ROOM = "198.51.100.9"
QUESTION = "Vous êtes Camille E."


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    gateway = Gateway(tmp_path, networks=HOSPITAL)
    gateway.person("camille")
    gateway.person("dominique")
    yield gateway
    gateway.close()


def by_choice(browser: Browser) -> None:
    browser.submit(browser.get("/post"), "/post")


def by_policy(browser: Browser) -> None:
    browser.get("/post?shared", sec_fetch_site="none")


def by_network(browser: Browser) -> None:
    browser.peer = IN_THE_EMERGENCY_ROOM


WAYS = {SharedBy.CHOICE: by_choice, SharedBy.POLICY: by_policy, SharedBy.NETWORK: by_network}
WITHOUT_A_MARK = [by_policy, by_network]


@pytest.fixture(params=WAYS, ids=str)
def shared(request: pytest.FixtureRequest, gateway: Gateway) -> Browser:
    """The browser of a post that is shared, one way or another."""
    WAYS[request.param](gateway.browser)
    return gateway.browser


@pytest.fixture
def post(gateway: Gateway) -> Browser:
    by_choice(gateway.browser)
    return gateway.browser


def answered(browser: Browser, page: Answer, answer: str) -> Answer:
    return browser.onward(browser.submit(page, action_of(page, "same_person"), answer=answer))


def asked(browser: Browser, start: Answer) -> Answer:
    """The page of the question, after our own redirects."""
    page = browser.onward(start)
    assert QUESTION in page.text, (page.status, page.text[:1500])
    return page


def told_to_applications(gateway: Gateway) -> list[str]:
    items = gateway.stores.ephemeral.spool.take_outgoing(gateway.clock.now(), 50, 0.0)
    return [str(item.payload["client"]) for _, item, _ in items if item.kind == "backchannel_logout"]


def names_nobody(answer: Answer) -> bool:
    return not re.search(r"Camille|camille|Exemple\b", answer.text)


# ── the second is never the first ──


@pytest.mark.spec("SES-11")
def test_before_a_session_serves_a_second_application_the_person_is_asked(shared: Browser) -> None:
    shared.code()
    page = asked(shared, shared.authorize("suivi"))
    assert "Exemple" not in page.text, "the given name and an initial"
    assert "Camille" not in page.text.partition("</title>")[0], "titles stay in the browser's history"
    assert told(answered(shared, page, "me"))["code"]


@pytest.mark.spec("SES-11")
def test_who_is_not_that_person_signs_in_as_themselves_and_the_first_is_out_everywhere(
    gateway: Gateway, shared: Browser
) -> None:
    first = gateway.tokens(shared.code())
    left = shared.cookies["__Host-session"]
    gateway.events()
    page = answered(shared, asked(shared, shared.authorize("suivi")), "not_me")
    assert gateway.session(left) is None
    assert "__Host-session" not in shared.cookies
    assert told_to_applications(gateway) == ["orientation"]
    assert gateway.userinfo(first["access_token"]).status == 401
    ended = [event for event in gateway.events("session.ended") if event.reason == "another_person"]
    assert len(ended) == 1
    assert names_nobody(page)
    done = shared.give_code(shared.give_password(page, "dominique"))
    second = gateway.tokens(told(done)["code"], "suivi")
    assert claims_of(second["id_token"])["sub"] != claims_of(first["id_token"])["sub"]
    assert claims_of(second["id_token"])["sid"] != claims_of(first["id_token"])["sid"]


@pytest.mark.spec("SES-11")
@pytest.mark.parametrize("asks", [{}, {"structure": "fineg:990000001"}, {"max_age": "3600"}, {"client_id": "exigeant"}])
def test_whatever_the_application_asks_no_code_leaves_before_the_answer(
    gateway: Gateway, post: Browser, asks: dict[str, str]
) -> None:
    camille = gateway.registered("amelie")
    gateway.habilitation(camille, gateway.structure(1))
    post.sign_in(post.authorize(), "amelie")
    page = post.onward(post.authorize(**asks))
    assert "Vous êtes Amelie E." in page.text


@pytest.mark.spec("SES-11", "OID-14")
def test_a_silent_request_learns_nothing_and_leaves_the_session_as_it_was(gateway: Gateway, shared: Browser) -> None:
    shared.code()
    before = shared.session
    for client_id in ("orientation", "suivi"):
        assert told(shared.authorize(client_id, prompt="none"))["error"] == "interaction_required"
    assert shared.session == before


@pytest.mark.spec("SES-11")
def test_no_address_of_the_journey_goes_past_the_question(gateway: Gateway, post: Browser) -> None:
    post.code()
    page = asked(post, post.authorize("suivi"))
    path = action_of(page, "same_person").removesuffix("/same_person")
    for last in ("", "/password", "/device", "/code", "/structure"):
        assert QUESTION in post.onward(post.get(path + last)).text, last
    resumed = post.get(f"/authorize/resume/{path.rpartition('/')[2]}")
    assert resumed.status == 400
    assert QUESTION in post.onward(post.get(path)).text


@pytest.mark.spec("SES-11")
def test_the_answer_needs_our_form_in_the_browser_that_was_asked(gateway: Gateway, post: Browser) -> None:
    post.code()
    page = asked(post, post.authorize("suivi"))
    action = action_of(page, "same_person")
    assert post.post(action, {"answer": "me"}).status == 403
    token = hidden_fields(page, action)
    assert post.post(action, {**token, "answer": "me"}, sec_fetch_site="cross-site").status == 403
    other = Browser(gateway)
    other.get("/forgotten")
    assert other.post(action, {**token, "answer": "me"}).status == 403
    assert other.get(action).status == 410
    for odd in ("", "yes", "ME"):
        assert QUESTION in post.onward(post.post(action, {**token, "answer": odd})).text


@pytest.mark.spec("SES-11")
def test_what_the_first_began_in_another_tab_is_out_of_the_seconds_reach(gateway: Gateway, post: Browser) -> None:
    camille = gateway.stores.database.accounts.find_by_username("camille")
    assert camille is not None
    places = gateway.structure(1), gateway.structure(2)
    for structure in places:
        gateway.habilitation(camille, structure)
    tab = post.sign_in(post.authorize())
    post.onward(post.sign_in())  # and signs in on our own pages, in another tab
    answered(post, asked(post, post.get("/")), "not_me")
    action = action_of(tab, "structure")
    answer = post.post(action, {**hidden_fields(tab, action), "structure": places[0].id})
    assert answer.status in {403, 410}
    assert post.session is None


@pytest.mark.spec("SES-11")
def test_a_choice_of_structure_left_open_says_whose_it_is_and_lets_the_next_one_out(
    gateway: Gateway, post: Browser
) -> None:
    camille = gateway.stores.database.accounts.find_by_username("camille")
    assert camille is not None
    for number in (1, 2):
        gateway.habilitation(camille, gateway.structure(number))
    tab = post.sign_in(post.authorize())
    assert QUESTION in tab.text
    page = answered(post, tab, "not_me")
    assert "/password" in page.text
    assert names_nobody(page)
    assert post.get(action_of(tab, "structure")).status == 410


def test_a_step_up_begins_with_the_question_and_not_with_a_message_to_the_first(
    gateway: Gateway, post: Browser
) -> None:
    amelie = gateway.registered("amelie")
    post.sign_in(post.authorize(), "amelie")
    page = post.onward(post.authorize("exigeant"))
    assert "Vous êtes Amelie E." in page.text
    assert not [
        item
        for _, item, _ in gateway.stores.ephemeral.spool.take_outgoing(gateway.clock.now(), 50, 0.0)
        if item.kind == "one_time_code"
    ]
    page = answered(post, page, "me")
    assert "/code" in page.text
    assert amelie.given_name not in page.text


# ── the home page ──


@pytest.mark.spec("SES-11")
def test_the_home_page_shows_whose_session_it_is_right_after_the_sign_in_and_then_asks(shared: Browser) -> None:
    page = shared.sign_in()
    assert "Camille Exemple" in page.text
    address = next(answer.location for answer in reversed(shared.trail) if answer.status == 303)
    for again in (address, "/", "/?signed_in", "/?signed_in=" + "0" * 44):
        page = asked(shared, shared.get(again))
        assert "Exemple" not in page.text
    assert "Camille Exemple" in answered(shared, page, "me").text
    asked(shared, shared.get("/"))


def test_a_sign_in_for_an_application_does_not_open_the_home_page(gateway: Gateway, post: Browser) -> None:
    """Not even one whose last redirect was never followed."""
    page = post.give_password(post.onward(post.authorize()))
    action = action_of(page, "code")
    done = post.get(post.submit(page, action, code=gateway.sent_code()).location)
    assert done.location.startswith("/authorize/resume/")
    asked(post, post.get("/?signed_in=" + done.location.rpartition("/")[2]))


# ── ends ──


@pytest.mark.spec("SES-11")
@pytest.mark.parametrize("last", ["get", "me", "not_me"])
def test_nobody_is_named_whose_session_has_ended(gateway: Gateway, post: Browser, last: str) -> None:
    post.code()
    page = asked(post, post.authorize("suivi"))
    gateway.clock.advance(300)
    action = action_of(page, "same_person")
    after = post.onward(post.get(action) if last == "get" else post.submit(page, action, answer=last))
    assert "/password" in after.text
    assert names_nobody(after)
    assert told(post.give_code(post.give_password(after, "dominique")))["code"]


@pytest.mark.spec("SES-05")
def test_after_signing_out_no_address_of_before_shows_anything_of_anybody(gateway: Gateway, post: Browser) -> None:
    """AC-113, as far as a server can prove it: nothing may be stored, and what is asked again is empty."""
    camille = gateway.stores.database.accounts.find_by_username("camille")
    assert camille is not None
    for number in (1, 2):
        gateway.habilitation(camille, gateway.structure(number))
    page = post.sign_in(post.authorize())
    post.choose(page, "fineg:990000001")
    home = answered(post, asked(post, post.get("/")), "me")
    assert "Camille Exemple" in home.text
    shown = [answer for answer in post.trail if answer.status == 200]
    assert {answer.header("cache-control") for answer in shown} == {"no-store"}
    left = post.submit(home, "/signout")
    assert left.header("clear-site-data") == '"cache"'
    visited = {
        one.location for one in post.trail if one.status == 303 and one.location.startswith("/") and one is not left
    }
    assert len(visited) > 5
    for address in visited:
        assert names_nobody(post.onward(post.get(address))), address
    assert post.session is None


# ── nobody can make it milder, or mark the browsers of others ──


@pytest.mark.spec("SES-11")
@pytest.mark.parametrize("forged", ["no", "0", "false", "private", "network", "choice; policy", '""', "x" * 2000])
def test_a_forged_mark_only_makes_things_stricter(gateway: Gateway, forged: str) -> None:
    browser = gateway.browser
    browser.cookies["__Host-post"] = forged
    browser.code()
    assert browser.session is not None
    assert browser.session.shared is SharedBy.CHOICE
    asked(browser, browser.authorize("suivi"))
    browser.peer = IN_THE_EMERGENCY_ROOM
    assert "ne se change pas ici" in browser.get("/post").text


@pytest.mark.spec("SES-11")
@pytest.mark.parametrize("site", ["cross-site", "same-site", None, "", "NONE"])
def test_another_site_marks_nobodys_browser(gateway: Gateway, site: str | None) -> None:
    answer = gateway.browser.get("/post?shared", **({} if site is None else {"sec_fetch_site": site}))
    assert answer.status == 200
    assert "__Host-post" not in gateway.browser.cookies
    gateway.browser.code()
    assert told(gateway.browser.authorize("suivi"))["code"]


def test_a_mark_is_neither_set_nor_lifted_without_our_form(gateway: Gateway, post: Browser) -> None:
    page = post.get("/post")
    for fields, headers in (
        ({"shared": "no"}, {}),
        ({**hidden_fields(page, "/post"), "shared": "no"}, {"origin": "https://ailleurs.example"}),
    ):
        assert post.post("/post", fields, **headers).status == 403
    assert post.cookies["__Host-post"] == "choice"
    other = Browser(gateway)
    assert other.post("/post", {**hidden_fields(page, "/post"), "shared": "yes"}).status == 403
    assert "__Host-post" not in other.cookies


@pytest.mark.spec("SES-11")
def test_who_loses_the_mark_keeps_what_was_stored(gateway: Gateway, post: Browser) -> None:
    """Between the password and the code, and after the sign-in."""
    page = post.give_password(post.onward(post.authorize()))
    del post.cookies["__Host-post"]
    told(post.give_code(page))
    assert post.session is not None
    assert (post.session.shared, post.session.idle_seconds) == (SharedBy.CHOICE, 300)
    asked(post, post.authorize("suivi"))
    assert told(post.authorize("suivi", prompt="none"))["error"] == "interaction_required"


@pytest.mark.spec("SES-11")
def test_one_request_from_a_shared_post_is_enough_for_the_whole_sign_in(gateway: Gateway) -> None:
    browser = gateway.browser
    page = browser.give_password(browser.onward(browser.authorize()))
    browser.peer = IN_THE_EMERGENCY_ROOM
    browser.get(action_of(page, "code"))
    browser.peer = "203.0.113.7"
    told(browser.give_code(page))
    assert browser.session is not None
    assert browser.session.shared is SharedBy.NETWORK


@pytest.mark.spec("SES-11")
def test_lifting_the_choice_says_nothing_of_the_session_that_is_open(gateway: Gateway, post: Browser) -> None:
    post.code()
    post.submit(post.get("/post"), "/post")
    assert "__Host-post" not in post.cookies
    asked(post, post.authorize("suivi"))
    again = Browser(gateway)
    again.code()
    assert again.session is not None
    assert again.session.shared is None


@pytest.mark.spec("SES-11")
def test_in_a_shared_network_nobody_switches_it_off(gateway: Gateway) -> None:
    browser = gateway.browser
    by_network(browser)
    page = browser.get("/post")
    assert "Urgences" in page.text
    assert 'method="post"' not in page.text.partition("<main")[2]
    browser.peer = "192.0.2.7"
    form = hidden_fields(browser.get("/post"), "/post")
    browser.peer = IN_THE_EMERGENCY_ROOM
    browser.post("/post", {**form, "shared": "no"})
    browser.code()
    assert browser.session is not None
    assert browser.session.shared is SharedBy.NETWORK


@pytest.mark.spec("SES-11", "WEB-06")
def test_a_header_that_no_trusted_proxy_wrote_moves_no_post(gateway: Gateway) -> None:
    browser = gateway.browser
    browser.get("/post", x_forwarded_for=IN_THE_EMERGENCY_ROOM)
    assert "Urgences" not in browser.trail[-1].text
    browser.peer = IN_THE_EMERGENCY_ROOM
    assert "Urgences" in browser.get("/post", x_forwarded_for="192.0.2.7").text


@pytest.mark.spec("SES-11")
def test_a_laptop_carried_into_a_shared_network_is_asked_there(gateway: Gateway) -> None:
    browser = gateway.browser
    browser.code()
    assert told(browser.authorize("suivi"))["code"]
    browser.peer = IN_THE_EMERGENCY_ROOM
    asked(browser, browser.authorize("suivi"))
    assert [dict(line.details) for line in gateway.events("session.shared")] == [
        {"post": "network", "place": "Urgences"}
    ]
    browser.peer = "192.0.2.7"
    asked(browser, browser.authorize("suivi"))


@pytest.mark.spec("SES-11")
def test_a_device_is_neither_offered_trust_nor_believed_on_a_shared_post(gateway: Gateway, shared: Browser) -> None:
    page = shared.give_password(shared.onward(shared.authorize()))
    assert "data-offer" not in page.text
    assert 'name="trust"' not in page.text
    action = action_of(page, "code")
    point = "B" + "A" * 86
    shared.submit(page, action, code=gateway.sent_code(), trust="yes", device_public_key=point)
    assert "__Host-device" not in shared.cookies
    assert not gateway.events("signin.device_trusted")


@pytest.mark.parametrize("way", WITHOUT_A_MARK)
def test_the_journal_says_how_the_post_is_shared(gateway: Gateway, way: object) -> None:
    assert callable(way)
    way(gateway.browser)
    gateway.browser.code()
    (line,) = gateway.events("signin.completed")
    expected = (
        {"post": "policy", "place": "CH fictif"} if way is by_policy else {"post": "network", "place": "Urgences"}
    )
    assert dict(line.details) == expected


def test_the_mark_lives_long_and_says_nothing_of_anybody(gateway: Gateway) -> None:
    by_policy(gateway.browser)
    (line,) = [value for name, value in gateway.browser.trail[-1].headers if name == "set-cookie"]
    assert line.startswith("__Host-post=policy;")
    assert "Max-Age=34560000" in line
    by_choice(gateway.browser)
    assert "__Host-post" not in gateway.browser.cookies, "who uses the post alone may lift what its start page said"


def test_the_choice_is_offered_where_people_sign_in_and_leads_back_there(gateway: Gateway) -> None:
    browser = gateway.browser
    page = browser.onward(browser.authorize())
    address = action_of(page, "password").replace("/password", "/post")
    assert f'href="{address}"' in page.text
    back = browser.onward(browser.submit(browser.get(address), address))
    assert "Orientation handicap" in back.text
    assert told(browser.give_code(browser.give_password(back)))["code"]
    assert browser.session is not None
    assert browser.session.shared is SharedBy.CHOICE
