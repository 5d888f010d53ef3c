"""The world's one page, in French: mailbox, phone, clock, people. Whole without JavaScript; the script only spares reloads."""

from contextlib import suppress
from datetime import timedelta

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sandbox import french_time
from sandbox.card.station import UnknownCard
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


PAD_WORDS = {
    "service_stopped": "Le service de cartes est arrêté.",
    "no_reader": "Branchez un lecteur.",
    "no_card": "Insérez votre carte.",
    "card_mute": "La carte ne répond pas : essuyez la puce et insérez-la de nouveau.",
    "card_in_use": "Un autre programme utilise la carte.",
    "card_unsupported": "Cette carte n’est pas une CPS.",
    "several_cards": "Deux cartes sont insérées : retirez-en une.",
    "reading": "Lecture de la carte…",
    "confirm_last_try": "Après un code faux de plus, la carte sera bloquée.",
    "ask_code": "Tapez votre code porteur.",
    "signing": "La carte signe…",
    "pin_blocked": "La carte est bloquée : il faut la débloquer.",
    "certificate_unsupported": "Cette carte n’a pas de certificat d’authentification en cours de validité.",
    "card_removed": "La carte a été retirée.",
    "card_interrupted": "Un autre programme a interrompu la carte.",
    "done": "C’est fait : la carte a répondu.",
}
"""What the pin pad says in each state of the bridge's window."""


def world_pages(world: World) -> Blueprint:
    pages = Blueprint("pages", __name__)

    @pages.app_context_processor
    def words() -> dict[str, object]:
        return {"pieces": pieces, "time": french_time, "pad_words": PAD_WORDS}

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
            "card": render_template("card.html", station=world.station) if world.station else "",
            "pad_open": world.station is not None and world.station.pad.is_open,
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
            station=world.station,
        )

    def _version() -> str:
        changes = f"{world.mailbox.version}.{world.phone.version}.{world.approvals.version}.{len(_pending())}"
        station = world.station
        card = f"{station.version}.{station.pad.version}" if station else ""
        return f"{changes}.{card}.{world.clock.offset().total_seconds()}"

    def _pending() -> list[Approval]:
        """Newest first."""
        return world.approvals.pending(world.clock.now())[::-1]

    def _people() -> tuple[list[Person], str]:
        try:
            return world.people.read(), ""
        except UnreadablePeople as problem:
            return [], str(problem)

    _card_reader(pages, world)
    return pages


def _card_reader(pages: Blueprint, world: World) -> None:
    @pages.post("/card")
    def use_card() -> ResponseReturnValue:
        station, fields = world.station, request.form
        if station is None:
            abort(404)
        match fields.get("action"):
            case "insert":
                try:
                    station.insert(fields.get("card", ""))
                except UnknownCard:
                    abort(400)
            case "remove":
                station.remove()
            case "renew":
                station.renew()
            case "code":
                station.pad.type_code(fields.get("code", ""))
            case "confirm":
                station.pad.confirm()
            case "cancel":
                station.pad.cancel()
            case _:
                abort(400)
        return redirect(url_for("pages.newest", _anchor="lecteur"), 303)
