"""`passerelle accounts recoveries list | approve | refuse`: the region as the second person of a recovery, where a structure
has no second référent (DECISIONS 15).

The command shows and prints no code: the référent who opened it prints the sheet.
"""

import click

from gateway.accounts.recovery import Recovery
from gateway.cli.administration import Administration, administration
from gateway.cli.command_line import Invocation
from gateway.cli.find_account import confirm
from gateway.cli.output import CommandRefused
from gateway.clock import iso_utc
from gateway.signin.colleagues.recoveries import ColleagueRecoveries
from gateway.signin.colleagues.refusals import NotNow, OutOfReach
from gateway.wiring.colleagues import colleague_recoveries

_WHY = {
    "has_second": "this structure has a second référent who can decide",
    "not_active": "the account is not active",
    "over": "it does not wait any more",
}


@click.group()
def recoveries() -> None:
    """Recoveries of accounts that two people open."""


@recoveries.command(name="list")
@click.pass_obj
def list_command(invocation: Invocation) -> None:
    """Those under way, and whether the region must decide. Reading a person's data is journalled."""
    with administration(invocation) as administering:
        stores = administering.stores
        rules = _rules(administering)
        shown = [_shown(administering, rules, one) for one in stores.database.recoveries.under_way(stores.clock.now())]
        stores.database.journal.append(
            (administering.event("admin.command", command="accounts recoveries list"),),
            node=administering.settings.node,
        )
        if invocation.output.as_json:
            invocation.output.say("", recoveries=shown)
            return
        for one in shown:
            invocation.output.say(
                f"{one['id']}  {one['username']}  {one['state']}  opened by {one['opened_by']} ({one['reason']}), "
                f"until {one['expires_at']}{', for the region to decide' if one['for_the_region'] else ''}"
            )
        if not shown:
            invocation.output.say("No recovery is under way.")


@recoveries.command()
@click.argument("recovery")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def approve(invocation: Invocation, recovery: str, yes: bool) -> None:
    """Approves one, as the second person. Make sure by another way that its subject asked for it."""
    _decide(invocation, recovery, approved=True, yes=yes)


@recoveries.command()
@click.argument("recovery")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def refuse(invocation: Invocation, recovery: str, yes: bool) -> None:
    """Refuses one; its subject is told."""
    _decide(invocation, recovery, approved=False, yes=yes)


def _decide(invocation: Invocation, recovery_id: str, *, approved: bool, yes: bool) -> None:
    word = "Approve" if approved else "Refuse"
    with administration(invocation) as administering:
        found = administering.stores.database.recoveries.get(recovery_id)
        if found is None:
            raise CommandRefused(f"No recovery is called {recovery_id}: see `passerelle accounts recoveries list`.")
        account = administering.stores.database.accounts.get(found.account_id)
        name = account.username if account is not None else found.account_id
        if not yes:
            confirm(invocation, f"{word} the recovery of {name} ({found.id})?")
        try:
            _rules(administering).decide_for_region(found.id, approved=approved, operator=administering.operator)
        except (NotNow, OutOfReach) as refusal:
            raise CommandRefused(f"Nothing was decided: {_WHY.get(refusal.detail, refusal.detail)}.") from None
        invocation.output.say(f"The recovery of {name} is {'approved' if approved else 'refused'}.", id=found.id)


def _rules(administering: Administration) -> ColleagueRecoveries:
    return colleague_recoveries(administering.settings, administering.reviewed, administering.stores)


def _shown(administering: Administration, rules: ColleagueRecoveries, one: Recovery) -> dict[str, str | bool]:
    accounts = administering.stores.database.accounts
    names = {account_id: accounts.get(account_id) for account_id in (one.account_id, one.opened_by)}
    usernames = {key: found.username if found is not None else key for key, found in names.items()}
    return {
        "id": one.id,
        "username": usernames[one.account_id],
        "opened_by": usernames[one.opened_by],
        "reason": one.reason.value,
        "state": one.state.value,
        "expires_at": iso_utc(one.expires_at),
        "for_the_region": one.decided_at is None and not rules.seconds(one),
    }
