"""Whom a command is about, and whether its user means it."""

import sys

import click

from gateway.accounts.account import Account
from gateway.accounts.identifiers import parse_rpps
from gateway.cli.administration import Administration
from gateway.cli.command_line import Invocation
from gateway.cli.output import CommandRefused


def find(administering: Administration, name: str) -> Account:
    """By identifier, user name, RPPS or e-mail address."""
    accounts_ = administering.stores.database.accounts
    rpps = parse_rpps(name)
    account = (
        accounts_.get(name)
        or accounts_.find_by_username(name)
        or (accounts_.find_by_rpps(rpps) if rpps else None)
        or accounts_.find_by_email(name)
    )
    if account is None:
        raise CommandRefused(
            f"No account is called {name}: give its identifier, its user name, its RPPS or its e-mail address."
        )
    return account


def confirm(invocation: Invocation, question: str) -> None:
    if invocation.output.as_json or not sys.stdin.isatty():
        raise CommandRefused("Nobody is here to confirm: add --yes. Nothing was changed.")
    if not click.confirm(question, err=True):
        raise CommandRefused("Nothing was changed.")
