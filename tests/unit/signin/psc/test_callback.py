"""The answer in the browser, before anything is asked of Pro Santé Connect."""

import pytest

from gateway.refusal import Refusal
from gateway.signin.psc.refusals import PscDeclined, PscRefused, PscUnavailable
from tests.unit.signin.psc.honest_psc import CODE, ISSUER, Visit


def refused(visit: Visit) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        visit.answer()
    assert visit.psc.calls == [], "Pro Santé Connect was called"
    return refusal.value


@pytest.mark.spec("PSC-R4", "LNK-11", "A6")
@pytest.mark.parametrize("state", [None, "", "forged", "3thetransaction."])
def test_another_state_is_refused_without_calling_anybody(state: str | None) -> None:
    visit = Visit()
    visit.callback = [("code", CODE)] + ([("state", state)] if state is not None else [])
    assert refused(visit).detail == "callback: state"


@pytest.mark.spec("PSC-R4", "LNK-11", "A6")
def test_the_state_of_another_question_is_refused() -> None:
    visit = Visit()
    asked, visit.attempt = visit.party.ask("3thetransaction")
    assert asked
    assert refused(visit).detail == "callback: state"


@pytest.mark.spec("PSC-01")
@pytest.mark.parametrize("name", ["code", "state", "iss", "unknown"])
def test_a_parameter_twice_is_refused(name: str) -> None:
    visit = Visit()
    visit.callback += [(name, dict(visit.callback).get(name, ISSUER))] * (1 if name in dict(visit.callback) else 2)
    assert refused(visit).detail == "callback: a parameter twice"


def test_a_parameter_beyond_any_sense_is_refused() -> None:
    visit = Visit()
    visit.callback[0] = ("code", "c" * 5000)
    assert refused(visit).detail == "callback: a parameter too long"


@pytest.mark.spec("PSC-R3")
def test_an_answer_comes_within_ten_minutes_and_not_at_the_tenth() -> None:
    visit = Visit()
    visit.clock.at = visit.attempt.started_at + 599.9
    visit.psc.person(visit.attempt)
    visit.answer()
    visit.psc.calls.clear()
    visit.clock.at = visit.attempt.started_at + 600
    visit.psc.person(visit.attempt)
    assert refused(visit).detail == "callback: the question is too old"


@pytest.mark.spec("PSC-R5", "LNK-11", "A5")
def test_the_issuer_of_the_answer_is_the_one_that_was_asked() -> None:
    visit = Visit()
    visit.callback.append(("iss", f"{ISSUER}/"))
    assert refused(visit).detail == "callback: iss"
    visit.callback[-1] = ("iss", ISSUER)
    visit.answer()


@pytest.mark.spec("PSC-R5")
def test_an_announced_issuer_may_not_be_missing() -> None:
    assert Visit().answer()
    assert refused(Visit(iss_parameter=True)).detail == "callback: iss"


@pytest.mark.spec("PSC-R6")
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("access_denied", PscDeclined),
        ("login_required", PscRefused),
        ("invalid_scope", PscRefused),
        ("<script>", PscRefused),
        ("temporarily_unavailable", PscUnavailable),
        ("server_error", PscUnavailable),
    ],
)
def test_an_error_is_one_of_three_texts_and_never_repeated(error: str, kind: type[Refusal]) -> None:
    visit = Visit()
    visit.callback[0] = ("error", error)
    visit.callback.append(("error_description", "canary description"))
    refusal = refused(visit)
    assert type(refusal) is kind
    assert "canary" not in f"{refusal} {refusal.facts}"
    assert "<" not in refusal.detail


@pytest.mark.spec("PSC-R4", "A6")
def test_an_error_with_another_state_is_nobodys_answer() -> None:
    visit = Visit()
    visit.callback = [("error", "access_denied"), ("state", "forged")]
    assert refused(visit).detail == "callback: state"


@pytest.mark.parametrize("code", [None, "", "with space", "é"])
def test_an_answer_without_a_code_is_refused(code: str | None) -> None:
    visit = Visit()
    visit.callback = [("state", visit.asked["state"])] + ([("code", code)] if code is not None else [])
    assert refused(visit).detail == "callback: code"


def test_a_yes_and_a_no_together_are_no_answer() -> None:
    visit = Visit()
    visit.callback.append(("error", "access_denied"))
    assert refused(visit).detail == "callback: code and error"
