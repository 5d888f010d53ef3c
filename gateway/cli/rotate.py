"""`passerelle rotate WHAT`: one verb for all rotations, plan then apply (CLI-02, DECISIONS 22).

Without `--apply` it says what it would do and gives the plan's name; `--apply NAME` does exactly that, or refuses because
the state has moved meanwhile.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import click

from gateway.applications.ports import SecretSlot, SecretsMovedError
from gateway.cli.administration import Administration, administration
from gateway.cli.clients import known, live_secrets, new_slot
from gateway.cli.command_line import Invocation
from gateway.cli.output import CommandRefused
from gateway.cli.secret_handover import handed_over
from gateway.cli.sms_key import sms_key
from gateway.clock import iso_utc
from gateway.journal.effects import because
from gateway.keys.ports import KeysMovedError
from gateway.keys.rotation import Plan, apply_plan, plan
from gateway.keys.signing_key import KeyState
from gateway.randomness import opaque

_MOVED = "The state has moved since that plan was made; look at the new one by running the command without --apply."


@click.group()
def rotate() -> None:
    """Renews keys and secrets, while everything keeps working."""


rotate.add_command(sms_key)


@rotate.command(name="signing-keys", short_help="Publishes a new key, then signs with it, then withdraws the former.")
@click.option("--apply", "approved", metavar="PLAN", help="Does the plan of that name.")
@click.option(
    "--renew/--due-only",
    default=None,
    help="Ask for a successor, whatever the age of the keys; or only do what is due. By default a successor is asked for "
    "when no rotation is under way.",
)
@click.pass_obj
def signing_keys(invocation: Invocation, approved: str | None, renew: bool | None) -> None:
    """Publishes a new signing key, then, a day later, signs with it; the former one still verifies for a day.

    Three runs, a day apart: each says what it would do, and does it with --apply. Tokens keep verifying all along.
    """
    with administration(invocation) as administering:
        stores, rules = administering.stores, administering.rotation_rules()
        store, now = stores.database.signing_keys, stores.clock.now()
        version, keys = store.version(), store.all()
        if approved is None:
            under_way = any(key.state in {KeyState.STAGED, KeyState.RETIRING} for key in keys)
            asked = not under_way if renew is None else renew
            _say_plan(administering, plan(keys, now, version=version, rules=rules, renew=asked))
            return
        # The plan's name says whether a successor was asked for.
        plans = [plan(keys, now, version=version, rules=rules, renew=asked) for asked in (True, False)]
        made = next((one for one in plans if one.hash == approved and one.steps), None)
        if made is None:
            raise CommandRefused(_MOVED)
        try:
            changed = apply_plan(
                made, store, now=now, randomness=stores.randomness, rules=rules, operator=administering.operator
            )
        except KeysMovedError:
            raise CommandRefused(_MOVED) from None
        later = plan(store.all(), now, version=store.version(), rules=rules).waits_until
        lines = [f"{key.algorithm} {key.kid}: {key.state}" for key in changed]
        invocation.output.say(
            "\n".join(lines) + _next_step(later),
            keys=[{"kid": key.kid, "algorithm": key.algorithm, "state": key.state} for key in changed],
            waits_until=later,
        )


def _next_step(at: float | None) -> str:
    return (
        ""
        if at is None
        else f"\nThe next step is possible from {iso_utc(at)}: run `passerelle rotate signing-keys` then."
    )


def _say_plan(administering: Administration, made: Plan) -> None:
    steps = [
        {"algorithm": step.algorithm, "kid": step.kid or "(new)", "from": step.before or "(none)", "to": step.after}
        for step in made.steps
    ]
    lines = [f"  {step['algorithm']} {step['kid']}: {step['from']} → {step['to']}" for step in steps]
    later = _next_step(made.waits_until)
    if not steps:
        administering.output.say(f"Nothing to do now.{later}", plan=None, steps=[], waits_until=made.waits_until)
        return
    administering.output.say(
        "This would be done:\n"
        + "\n".join(lines)
        + f"{later}\n\nTo do it: passerelle rotate signing-keys --apply {made.hash}",
        plan=made.hash,
        steps=steps,
        waits_until=made.waits_until,
    )


@dataclass(frozen=True, slots=True)
class _SecretPlan:
    """`ending`: the slots that are live now, as they were seen."""

    client_id: str
    new_slot: int
    ending: tuple[SecretSlot, ...]
    overlap: int

    @property
    def hash(self) -> str:
        """Names this change of this state; it says nothing about a secret."""
        state = [[slot.slot, slot.digest.hex(), slot.expires_at] for slot in self.ending]
        written = json.dumps([self.client_id, self.new_slot, state, self.overlap])
        return hashlib.sha256(written.encode()).hexdigest()[:16]


@rotate.command(name="client-secret")
@click.argument("client_id")
@click.option("--apply", "approved", metavar="PLAN", help="Does the plan of that name.")
@click.option("--output", "file", type=click.Path(path_type=Path, dir_okay=False), help="A new file for the secret.")
@click.option("--reveal-once", is_flag=True, help="Show the secret, once, in this terminal.")
@click.pass_obj
def client_secret(
    invocation: Invocation, client_id: str, approved: str | None, file: Path | None, reveal_once: bool
) -> None:
    """Adds a second secret to an application; the first one keeps working during the overlap."""
    with administration(invocation) as administering:
        made = _plan_secret(administering, client_id)
        if approved is None:
            until = iso_utc(administering.stores.clock.now() + made.overlap)
            invocation.output.say(
                f"This would be done:\n  {client_id}: a new secret in slot {made.new_slot}; the former one works until {until}."
                f"\n\nTo do it: passerelle rotate client-secret {client_id} --apply {made.hash} --output FILE",
                plan=made.hash,
                client_id=client_id,
                new_slot=made.new_slot,
                overlap_seconds=made.overlap,
            )
            return
        if approved != made.hash:
            raise CommandRefused(_MOVED)
        secret = opaque(administering.stores.randomness)
        with handed_over(
            secret, what=f"The new secret of {client_id}", file=file, reveal_once=reveal_once, output=invocation.output
        ) as facts:
            facts["client_id"], facts["former_until"] = client_id, _rotate_secret(administering, made, secret)


def _rotate_secret(administering: Administration, made: _SecretPlan, secret: str) -> str:
    """When the former secret stops working."""
    slot = new_slot(administering, made.client_id, secret, number=made.new_slot)
    until = slot.created_at + made.overlap
    events = [administering.event("client_secret.added", client=made.client_id, slot=slot.slot, plan=made.hash)]
    events += [
        administering.event("client_secret.removed", client=made.client_id, slot=former.slot, plan=made.hash)
        for former in made.ending
    ]
    try:
        administering.stores.database.client_secrets.rotate(
            slot, ending=made.ending, at=until, effects=because(*events)
        )
    except SecretsMovedError:
        raise CommandRefused(_MOVED) from None
    return iso_utc(until)


def _plan_secret(administering: Administration, client_id: str) -> _SecretPlan:
    client = known(administering, client_id)
    if not client.has_secret:
        raise CommandRefused(f"{client_id} ({client.authentication_method}) is a client without a secret.")
    live = live_secrets(administering, client_id)
    if not live:
        raise CommandRefused(f"{client_id} has no secret yet: passerelle clients add {client_id}")
    if len(live) > 1:
        ends = min(slot.expires_at for slot in live if slot.expires_at is not None)
        raise CommandRefused(
            f"A rotation of {client_id} is under way: its former secret works until {iso_utc(ends)}. Rotate again after that."
        )
    overlap = administering.settings.values["client_secret.overlap"]
    return _SecretPlan(client_id, 2 if live[0].slot == 1 else 1, tuple(live), overlap)
