"""`passerelle rotate WHAT`: one verb for all rotations, plan then apply (CLI-02, DECISIONS 22).

Without `--apply` it says what it would do and gives the plan's name; `--apply NAME` does exactly that, or refuses because
the state has moved meanwhile.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import click

from gateway.applications.client import ClientAuthenticationMethod
from gateway.cli.administration import Administration, administration
from gateway.cli.clients import known, live_secrets, put_secret
from gateway.cli.command_line import Invocation
from gateway.cli.output import CommandRefused, check_secret_destination
from gateway.clock import iso_utc
from gateway.journal.effects import because
from gateway.keys.ports import KeysMovedError
from gateway.keys.rotation import Plan, apply_plan, plan
from gateway.randomness import opaque

_MOVED = "The state has moved since that plan was made; look at the new one by running the command without --apply."


@click.group()
def rotate() -> None:
    """Renews keys and secrets, while everything keeps working."""


@rotate.command(name="signing-keys")
@click.option("--apply", "approved", metavar="PLAN", help="Does the plan of that name.")
@click.option("--renew/--due-only", default=True, help="Ask for a successor even when the key is young (the default).")
@click.pass_obj
def signing_keys(invocation: Invocation, approved: str | None, renew: bool) -> None:
    """Publishes a new signing key, then, a day later, signs with it; the former one still verifies for a day."""
    with administration(invocation) as administering:
        stores, rules = administering.stores, administering.rotation_rules()
        store, now = stores.database.signing_keys, stores.clock.now()
        made = plan(store.all(), now, version=store.version(), rules=rules, renew=renew)
        if approved is None:
            _say_plan(administering, made)
            return
        if approved != made.hash:
            raise CommandRefused(_MOVED)
        try:
            changed = apply_plan(
                made, store, now=now, randomness=stores.randomness, rules=rules, operator=administering.operator
            )
        except KeysMovedError:
            raise CommandRefused(_MOVED) from None
        invocation.output.say(
            "\n".join(f"{key.algorithm} {key.kid}: {key.state}" for key in changed) or "Nothing was due.",
            keys=[{"kid": key.kid, "algorithm": key.algorithm, "state": key.state} for key in changed],
        )


def _say_plan(administering: Administration, made: Plan) -> None:
    steps = [
        {"algorithm": step.algorithm, "kid": step.kid or "(new)", "from": step.before or "(none)", "to": step.after}
        for step in made.steps
    ]
    lines = [f"  {step['algorithm']} {step['kid']}: {step['from']} → {step['to']}" for step in steps]
    later = "" if made.waits_until is None else f"\nA further step is possible from {iso_utc(made.waits_until)}."
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
    client_id: str
    new_slot: int
    ends: tuple[int, ...]
    overlap: int
    state: str

    @property
    def hash(self) -> str:
        written = json.dumps([self.client_id, self.new_slot, self.ends, self.overlap, self.state])
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
        until = iso_utc(administering.stores.clock.now() + made.overlap)
        if approved is None:
            invocation.output.say(
                f"This would be done:\n  {client_id}: a new secret in slot {made.new_slot}; the former one works until {until}."
                f"\n\nTo do it: passerelle rotate client-secret {client_id} --apply {made.hash} --output FILE",
                plan=made.hash,
                new_slot=made.new_slot,
                overlap_seconds=made.overlap,
            )
            return
        if approved != made.hash:
            raise CommandRefused(_MOVED)
        check_secret_destination(file, reveal_once)
        secret = opaque(administering.stores.randomness)
        put_secret(administering, client_id, secret, slot=made.new_slot)
        secrets = administering.stores.database.client_secrets
        for slot in made.ends:
            secrets.expire(
                client_id,
                slot,
                administering.stores.clock.now() + made.overlap,
                because(administering.event("client_secret.removed", client=client_id, slot=slot, plan=made.hash)),
            )
        invocation.output.secret(secret, what=f"The new secret of {client_id}", file=file, reveal_once=reveal_once)


def _plan_secret(administering: Administration, client_id: str) -> _SecretPlan:
    client = known(administering, client_id)
    if client.authentication_method is ClientAuthenticationMethod.NONE:
        raise CommandRefused(f"{client_id} is a public client: it has no secret.")
    live = live_secrets(administering, client_id)
    if not live:
        raise CommandRefused(f"{client_id} has no secret yet: passerelle clients add {client_id}")
    if len(live) > 1:
        ends = max(slot.expires_at or 0.0 for slot in live)
        raise CommandRefused(f"A rotation of {client_id} is under way: its former secret works until {iso_utc(ends)}.")
    state = hashlib.sha256(live[0].digest).hexdigest()[:16]
    overlap = administering.settings.values["client_secret.overlap"]
    return _SecretPlan(client_id, 2 if live[0].slot == 1 else 1, (live[0].slot,), overlap, state)
