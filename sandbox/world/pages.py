"""The world's one page, in French: mailbox, phone, clock, people. Whole without JavaScript; the script only spares reloads."""

from contextlib import suppress
from datetime import timedelta

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sandbox import french_time
from sandbox.clock import ClockRefusal
from sandbox.world.approvals import Approval, ApprovalGone
from sandbox.world.mailbox import Mail
from sandbox.world.message_text import pieces
from sandbox.world.people import Person, UnreadablePeople
from sandbox.world.surroundings import World

CLOCK_STEPS = {
    "1min": ("+ 1 min", timedelta(minutes=1)),
    "30min": ("+ 30 min", timedelta(minutes=30)),
    "24h": ("+ 24 h", timedelta(hours=24)),
    "31d": ("+ 31 jours", timedelta(days=31)),
}


def world_pages(world: World) -> Blueprint:
    pages = Blueprint("pages", __name__)

    @pages.app_context_processor
    def words() -> dict[str, object]:
        return {"pieces": pieces, "time": french_time}

    @pages.get("/")
    def newest() -> str:
        mails = world.mailbox.mails()
        return _page(mails[-1] if mails else None, follows_newest=True)

    @pages.get("/mails/<mail_id>")
    def mail(mail_id: str) -> ResponseReturnValue:
        chosen = world.mailbox.get(mail_id)
        if chosen is None:
            return redirect(url_for("pages.newest"), 303)
        return _page(chosen, follows_newest=False)

    @pages.get("/fragments")
    def fragments() -> ResponseReturnValue:
        version = _version()
        if request.args.get("since") == version:
            return "", 204
        mails = world.mailbox.mails()
        wanted = request.args.get("mail")
        chosen = world.mailbox.get(wanted) if wanted else None
        shown = chosen or (mails[-1] if mails else None)
        return {
            "version": version,
            "mails": len(mails),
            "sms": len(world.phone.messages()),
            "now": world.clock.now().isoformat(),
            "offset": french_time.ahead_or_late(world.clock.offset()),
            "newest_subject": mails[-1].subject if mails else "",
            "mailbox": render_template("mailbox.html", mails=mails[::-1], shown=shown),
            "approvals": len(_pending()),
            "phone": render_template("phone.html", messages=world.phone.messages()[::-1], approvals=_pending()),
        }

    @pages.post("/clear")
    def clear() -> ResponseReturnValue:
        world.mailbox.clear()
        world.phone.clear()
        return redirect(url_for("pages.newest"), 303)

    @pages.post("/approvals/<approval_id>")
    def answer(approval_id: str) -> ResponseReturnValue:
        decision = request.form.get("decision")
        if decision not in ("approve", "refuse"):
            abort(400)
        # A demand that is gone meanwhile is simply no longer shown.
        with suppress(ApprovalGone):
            world.approvals.answer(approval_id, approve=decision == "approve", now=world.clock.now())
        return redirect(url_for("pages.newest", _anchor="telephone"), 303)

    @pages.post("/clock")
    def move_clock() -> ResponseReturnValue:
        step = request.form.get("step", "")
        try:
            if step == "reset":
                world.clock.reset()
            elif step in CLOCK_STEPS:
                world.clock.advance(CLOCK_STEPS[step][1])
            else:
                abort(400)
        except ClockRefusal:
            abort(409)
        return redirect(url_for("pages.newest", _anchor="horloge"), 303)

    def _page(shown: Mail | None, *, follows_newest: bool) -> str:
        people, people_problem = _people()
        return render_template(
            "world.html",
            mails=world.mailbox.mails()[::-1],
            shown=shown,
            follows_newest=follows_newest,
            messages=world.phone.messages()[::-1],
            approvals=_pending(),
            people=people,
            people_problem=people_problem,
            clock_is_shared=world.clock.is_shared,
            now=world.clock.now(),
            offset=world.clock.offset(),
            clock_steps=CLOCK_STEPS,
            version=_version(),
            orientation_url=world.orientation_url,
            suivi_url=world.suivi_url,
            gateway_url=world.gateway_url,
        )

    def _version() -> str:
        changes = f"{world.mailbox.version}.{world.phone.version}.{world.approvals.version}.{len(_pending())}"
        return f"{changes}.{world.clock.offset().total_seconds()}"

    def _pending() -> list[Approval]:
        """Newest first."""
        return world.approvals.pending(world.clock.now())[::-1]

    def _people() -> tuple[list[Person], str]:
        try:
            return world.people.read(), ""
        except UnreadablePeople as problem:
            return [], str(problem)

    return pages
