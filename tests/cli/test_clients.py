"""An application gets its secret, and a new one while the former still works."""

import pytest

import gateway.cli.rotate
from tests.cli.deployment import Deployment

DAY = 86_400
OVERLAP = 7 * DAY


def rotate(deployment: Deployment, output: str) -> str:
    plan = deployment.json("rotate", "client-secret", "orientation")["plan"]
    deployment.json("rotate", "client-secret", "orientation", "--apply", plan, "--output", output)
    return (deployment.folder / output).read_text()


@pytest.fixture
def with_secret(deployment: Deployment) -> Deployment:
    deployment.json("clients", "add", "orientation", "--output", "one")
    return deployment


def test_an_application_is_added_with_one_file_and_one_command(deployment):
    """The README's five minutes."""
    deployment.client("suivi")
    assert "suivi" in deployment.run("config", "check").out
    assert "clients add suivi" in deployment.run("doctor").out
    ran = deployment.process("clients", "add", "suivi", "--output", "suivi.secret")
    assert (ran.code, ran.err) == (0, "")
    secret = (deployment.folder / "suivi.secret").read_text()
    assert "clients add suivi" not in deployment.run("doctor").out
    with deployment.serving() as door:
        assert door.redeem("suivi", secret) == (400, "invalid_grant")
        assert door.redeem("suivi", secret + "x") == (401, "invalid_client")
        assert door.redeem("orientation", secret) == (401, "invalid_client")


def test_a_public_client_needs_no_secret(deployment):
    deployment.client("suivi", authentication_method="none")
    ran = deployment.run("clients", "add", "suivi", "--output", "x")
    assert (ran.code, "ready as it is" in ran.err) == (1, True)
    assert not (deployment.folder / "x").exists()


def test_an_application_has_one_first_secret(with_secret):
    ran = with_secret.run("clients", "add", "orientation", "--output", "again")
    assert (ran.code, "rotate client-secret orientation" in ran.err) == (1, True)
    assert not (with_secret.folder / "again").exists()


@pytest.mark.spec("KEY-06")
def test_both_secrets_work_during_the_overlap_and_the_new_one_alone_after(with_secret):
    former, new = (with_secret.folder / "one").read_text(), rotate(with_secret, "two")
    with with_secret.serving() as door:
        for offset, expected in ((OVERLAP - 60, (400, "invalid_grant")), (OVERLAP + 60, (401, "invalid_client"))):
            with_secret.set_clock(offset)
            assert door.redeem("orientation", former) == expected
            assert door.redeem("orientation", new) == (400, "invalid_grant")
    third = rotate(with_secret, "three")
    with with_secret.serving() as door:
        assert door.redeem("orientation", third) == (400, "invalid_grant")
    assert [slot["slot"] for slot in with_secret.json("clients", "show", "orientation")["secrets"]] == [1, 2]


@pytest.mark.spec("CLI-02")
def test_a_plan_changes_nothing_names_itself_the_same_and_says_what_it_would_do(with_secret):
    before = with_secret.json("clients", "show", "orientation")
    plans = [with_secret.json("rotate", "client-secret", "orientation") for _ in range(2)]
    assert plans[0] == plans[1]
    assert (plans[0]["new_slot"], plans[0]["overlap_seconds"]) == (2, OVERLAP)
    said = with_secret.run("rotate", "client-secret", "orientation").out
    assert f"--apply {plans[0]['plan']}" in said
    assert with_secret.json("clients", "show", "orientation") == before


@pytest.mark.spec("CLI-02")
def test_a_plan_made_before_another_change_is_refused(with_secret):
    plan = with_secret.json("rotate", "client-secret", "orientation")["plan"]
    rotate(with_secret, "two")
    with_secret.set_clock(OVERLAP)
    ran = with_secret.run("rotate", "client-secret", "orientation", "--apply", plan, "--output", "three")
    assert (ran.code, "moved" in ran.err) == (1, True)
    assert not (with_secret.folder / "three").exists()


@pytest.mark.spec("CLI-02", "CLI-03")
def test_a_change_between_the_plan_s_reading_and_its_writing_is_refused(with_secret, monkeypatch):
    plan = with_secret.json("rotate", "client-secret", "orientation")["plan"]
    apply = ("rotate", "client-secret", "orientation", "--apply", plan, "--output")
    new_slot = gateway.cli.rotate.new_slot
    inner = []

    def meanwhile(*arguments, **named):
        if not inner:
            inner.append(None)
            inner.append(with_secret.run(*apply, "theirs"))
        return new_slot(*arguments, **named)

    monkeypatch.setattr(gateway.cli.rotate, "new_slot", meanwhile)
    ran = with_secret.run(*apply, "mine")
    assert (ran.code, "moved" in ran.err) == (1, True)
    assert inner[1].code == 0
    assert not (with_secret.folder / "mine").exists()
    with with_secret.serving() as door:
        assert door.redeem("orientation", (with_secret.folder / "theirs").read_text()) == (400, "invalid_grant")


@pytest.mark.spec("CLI-03")
def test_of_two_parallel_applications_of_one_plan_one_is_done(with_secret):
    plan = with_secret.json("rotate", "client-secret", "orientation")["plan"]
    apply = ("rotate", "client-secret", "orientation", "--apply", plan, "--output")
    started = [with_secret.start(*apply, name) for name in ("a", "b")]
    said = [process.communicate(timeout=60) for process in started]
    assert sorted(process.returncode for process in started) == [0, 1], said
    (kept,) = [name for name in ("a", "b") if (with_secret.folder / name).exists()]
    with with_secret.serving() as door:
        assert door.redeem("orientation", (with_secret.folder / kept).read_text()) == (400, "invalid_grant")


@pytest.mark.spec("CLI-03")
@pytest.mark.parametrize(
    ("step", "done"),
    [
        ("gateway.cli.secret_handover:_write_new", False),
        ("gateway.storage.sql.client_secrets:record", False),
        ("gateway.storage.sql.client_secrets:SqlClientSecrets.rotate", True),
    ],
)
def test_a_sudden_death_leaves_the_old_state_or_the_new_one(with_secret, step, done):
    plan = with_secret.json("rotate", "client-secret", "orientation")["plan"]
    apply = ("rotate", "client-secret", "orientation", "--apply", plan, "--output")
    journal = len(with_secret.journal())
    assert with_secret.process(*apply, "two", dying_after=step).code == -9
    slots = with_secret.json("clients", "show", "orientation")["secrets"]
    names = [event.name for event in with_secret.journal()[journal:]]
    if done:
        assert [(slot["slot"], slot["expires_at"] is None) for slot in slots] == [(2, True), (1, False)]
        assert names == ["client_secret.added", "client_secret.removed"]
    else:
        assert [(slot["slot"], slot["expires_at"]) for slot in slots] == [(1, None)]
        assert names == []
    with with_secret.serving() as door:
        written = door.redeem("orientation", (with_secret.folder / "two").read_text())
        assert written == ((400, "invalid_grant") if done else (401, "invalid_client"))
    assert with_secret.run(*apply, "again").code == (1 if done else 0)  # the same plan, never twice


@pytest.mark.spec("CLI-06")
def test_no_secret_is_in_any_output_journal_line_or_stored_byte(with_secret):
    plan = with_secret.run("rotate", "client-secret", "orientation")
    name = plan.out.split("--apply ")[1].split()[0]
    ran = [
        plan,
        with_secret.run("rotate", "client-secret", "orientation", "--apply", name, "--output", "two"),
        with_secret.run("clients", "show", "orientation"),
        with_secret.run("--json", "clients", "show", "orientation"),
        with_secret.run("doctor"),
    ]
    said = "".join(one.out + one.err for one in ran) + repr(with_secret.journal())
    stored = with_secret.every_byte()
    for file in ("one", "two"):
        secret = (with_secret.folder / file).read_text()
        assert secret not in said
        assert secret.encode() not in stored
