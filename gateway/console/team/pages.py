"""/equipe: the colleagues of the structures where I am référent, where their accounts stand, and what I may do for them: send
the first access again, print a sheet, open a recovery, decide one (RST-10, RST-12, FID-11; DECISIONS 7, 15).

A printed code is on one page that nothing keeps. Whoever is out of reach is not there at all.
"""

import flask
from werkzeug.wrappers import Response

from gateway.accounts.account import Account, AccountStatus
from gateway.accounts.one_time_link import LinkPurpose, OneTimeLink
from gateway.accounts.ports import Accounts, OneTimeLinks, Recoveries
from gateway.accounts.recovery import Reason, Recovery, RecoveryState
from gateway.console.pages import ConsolePages
from gateway.habilitations.team import Teams
from gateway.signin.colleagues.invitations import FLAGGED_AFTER, Invitations
from gateway.signin.colleagues.pages import HERE as SHEET
from gateway.signin.colleagues.reach import Reach
from gateway.signin.colleagues.recoveries import ColleagueRecoveries
from gateway.signin.colleagues.refusals import NotNow, OutOfReach, TooManyActs
from gateway.signin.colleagues.standing import Standing, standing
from gateway.signin.enrolment.reset_order import has_password_to_reset
from gateway.signin.journal_lines import Lines
from gateway.signin.pages import RULE_REFUSED

ROOT = "/equipe"
RECOVERIES = f"{ROOT}/recuperations"


class TeamPages:
    """What the pages read beside the rules."""

    def __init__(
        self,
        console: ConsolePages,
        *,
        accounts: Accounts,
        teams: Teams,
        reach: Reach,
        links: OneTimeLinks,
        recoveries: Recoveries,
        invitations: Invitations,
        colleague_recoveries: ColleagueRecoveries,
    ) -> None:
        self.console = console
        self.accounts, self.teams, self.reach = accounts, teams, reach
        self.links, self.recoveries = links, recoveries
        self.invitations, self.colleague_recoveries = invitations, colleague_recoveries

    def list_page(self) -> Response:
        referent, now = self.console.referent(ROOT), self.console.now()
        under_way = {one.account_id: one for one in self.recoveries.under_way(now)}
        rows = []
        for colleague in self.teams.colleagues(referent, now):
            person = colleague.person
            if person.status is AccountStatus.ARCHIVED:
                continue
            invited = person.status is AccountStatus.INVITED
            link = self.links.latest(person.id, LinkPurpose.ACTIVATION) if invited else None
            stands = standing(person, link, under_way.get(person.id), now)
            waits = stands is Standing.RECOVERY_WAITING and under_way[person.id].opened_by != referent.id
            rows.append((colleague, stands.value, invited and self._is_unclaimed(person.id), waits))
        return self.console.page("team.html", rows=rows, structures=self.teams.led_by(referent, now).values())

    def _is_unclaimed(self, account_id: str) -> bool:
        return self.links.issued(account_id, LinkPurpose.ACTIVATION) > FLAGGED_AFTER

    def one_page(self, referent: Account, account_id: str, *, status: int = 200, error: str | None = None) -> Response:
        lines = Lines(self.console.now(), self.console.context())
        account, structures = self.reach.colleague(referent, account_id, lines)
        recovery = self.recoveries.of(account.id, lines.at)
        invited = account.status is AccountStatus.INVITED
        return self.console.page(
            "colleague.html",
            status=status,
            account=account,
            structures=structures,
            invited=invited,
            unclaimed=invited and self._is_unclaimed(account.id),
            active=account.status is AccountStatus.ACTIVE,
            resettable=has_password_to_reset(account),
            recovery=recovery,
            mine=recovery is not None and recovery.opened_by == referent.id,
            approved=recovery is not None and recovery.state is RecoveryState.APPROVED,
            opener=self._name(recovery),
            by_region=recovery is not None and not self.colleague_recoveries.seconds(recovery),
            reasons=[reason.value for reason in Reason],
            said=self.console.said("team.said") if error is None else None,
            error=error,
        )

    def _name(self, recovery: Recovery | None) -> str:
        opener = self.accounts.get(recovery.opened_by) if recovery is not None else None
        return f"{opener.given_name} {opener.family_name}" if opener is not None else ""

    def sheet_page(self, referent: Account, account: Account, link: OneTimeLink, code: str) -> Response:
        return self.console.page(
            "sheet.html",
            account=account,
            code=code,
            purpose=link.purpose.value,
            until=link.expires_at,
            address=f"{self.console.shell.public_origin}{SHEET}",
            printed_by=f"{referent.given_name} {referent.family_name}",
        )


def pages(team: TeamPages) -> flask.Blueprint:
    blueprint = team.console.blueprint("team")
    console, shell = team.console, team.console.shell

    @blueprint.errorhandler(OutOfReach)
    def nobody_there(_: OutOfReach) -> Response:
        return shell.message("team.out_of_reach_page", status=404, way_out=(ROOT, "team.back"))

    @blueprint.get(ROOT)
    def colleagues() -> Response:
        return team.list_page()

    @blueprint.get(f"{ROOT}/<account_id>")
    def colleague(account_id: str) -> Response:
        return team.one_page(console.proved(f"{ROOT}/{account_id}"), account_id)

    _first_access(blueprint, team)
    _recoveries(blueprint, team)
    return blueprint


def _first_access(blueprint: flask.Blueprint, team: TeamPages) -> None:
    console, shell = team.console, team.console.shell

    @blueprint.post(f"{ROOT}/<account_id>/lien")
    def resend(account_id: str) -> Response:
        shell.form(f"team-link:{account_id}")
        referent = console.proved(f"{ROOT}/{account_id}")
        try:
            account = team.invitations.resend(referent, account_id, console.context())
        except (NotNow, TooManyActs) as refusal:
            return team.one_page(referent, account_id, status=RULE_REFUSED, error=shell.refusal_text(refusal))
        return shell.see_other(f"{ROOT}/{account.id}?said=link")

    @blueprint.post(f"{ROOT}/<account_id>/mot-de-passe")
    def send_reset(account_id: str) -> Response:
        shell.form(f"team-reset:{account_id}")
        referent = console.proved(f"{ROOT}/{account_id}")
        try:
            account = team.invitations.send_reset(referent, account_id, console.context())
        except (NotNow, TooManyActs) as refusal:
            return team.one_page(referent, account_id, status=RULE_REFUSED, error=shell.refusal_text(refusal))
        return shell.see_other(f"{ROOT}/{account.id}?said=reset")

    @blueprint.post(f"{ROOT}/<account_id>/feuille")
    def print_sheet(account_id: str) -> Response:
        shell.form(f"team-sheet:{account_id}")
        referent = console.proved(f"{ROOT}/{account_id}")
        try:
            printed = team.invitations.print_sheet(referent, account_id, console.context())
        except (NotNow, TooManyActs) as refusal:
            return team.one_page(referent, account_id, status=RULE_REFUSED, error=shell.refusal_text(refusal))
        return team.sheet_page(referent, *printed)


def _recoveries(blueprint: flask.Blueprint, team: TeamPages) -> None:
    console, shell = team.console, team.console.shell

    def subject(recovery_id: str) -> str:
        recovery = team.recoveries.get(recovery_id)
        if recovery is None:
            raise OutOfReach("unknown")
        return recovery.account_id

    @blueprint.post(f"{ROOT}/<account_id>/recuperation")
    def open_recovery(account_id: str) -> Response:
        fields = shell.form(f"team-recovery:{account_id}")
        referent = console.proved(f"{ROOT}/{account_id}")
        typed = fields.get("reason", "")
        reason = next((one for one in Reason if one.value == typed), None)
        if reason is None or fields.get("seen") != "yes":
            error = shell.translations.say(shell.language(), "team.reason_and_seen")
            return team.one_page(referent, account_id, status=RULE_REFUSED, error=error)
        try:
            recovery = team.colleague_recoveries.open(referent, account_id, reason, console.context())
        except (NotNow, TooManyActs) as refusal:
            return team.one_page(referent, account_id, status=RULE_REFUSED, error=shell.refusal_text(refusal))
        return shell.see_other(f"{ROOT}/{recovery.account_id}?said=opened")

    @blueprint.post(f"{RECOVERIES}/<recovery_id>/decision")
    def decide(recovery_id: str) -> Response:
        fields = shell.form(f"team-decision:{recovery_id}")
        account_id = subject(recovery_id)
        referent = console.proved(f"{ROOT}/{account_id}")
        approved = fields.get("decision") == "approve"
        try:
            team.colleague_recoveries.decide(referent, recovery_id, approved=approved, context=console.context())
        except NotNow as refusal:
            return team.one_page(referent, account_id, status=RULE_REFUSED, error=shell.refusal_text(refusal))
        return shell.see_other(f"{ROOT}/{account_id}?said={'approved' if approved else 'refused'}")

    @blueprint.post(f"{RECOVERIES}/<recovery_id>/feuille")
    def print_recovery(recovery_id: str) -> Response:
        shell.form(f"team-recovery-sheet:{recovery_id}")
        account_id = subject(recovery_id)
        referent = console.proved(f"{ROOT}/{account_id}")
        try:
            printed = team.colleague_recoveries.print_sheet(referent, recovery_id, console.context())
        except (NotNow, TooManyActs) as refusal:
            return team.one_page(referent, account_id, status=RULE_REFUSED, error=shell.refusal_text(refusal))
        return team.sheet_page(referent, *printed)
