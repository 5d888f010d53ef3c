"""The world's JSON API: mails, text messages, demands on the phone, the clock, the faults, and the HTTP SMS provider.

`POST /sms` is what the gateway calls: any bearer token is accepted, none is refused with 401.
"""

from datetime import timedelta

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from sandbox.card.station import UnknownCard
from sandbox.clock import ClockRefusal
from sandbox.world.approvals import Approval, ApprovalGone
from sandbox.world.faults import UnknownFault
from sandbox.world.mailbox import Mail
from sandbox.world.message_text import codes, links
from sandbox.world.phone import Sms, UndeliverableSms
from sandbox.world.surroundings import World


def world_api(world: World) -> Blueprint:
    api = Blueprint("api", __name__)

    @api.get("/api/mails")
    def mails() -> Response:
        return jsonify(mails=[_mail_json(mail) for mail in world.mailbox.mails(to=request.args.get("to"))])

    @api.delete("/api/mails")
    def forget_mails() -> ResponseReturnValue:
        world.mailbox.clear()
        return "", 204

    @api.get("/api/sms")
    def text_messages() -> Response:
        to = request.args.get("to")
        if to is not None and to.startswith(" "):
            to = "+" + to[1:]  # an unescaped + in a query string means a space
        return jsonify(sms=[_sms_json(sms) for sms in world.phone.messages(to=to)])

    @api.delete("/api/sms")
    def forget_text_messages() -> ResponseReturnValue:
        world.phone.clear()
        return "", 204

    @api.get("/api/approvals")
    def approvals() -> Response:
        return jsonify(approvals=[_approval_json(world, approval) for approval in world.approvals.all()])

    @api.post("/api/approvals/<approval_id>")
    def answer_approval(approval_id: str) -> ResponseReturnValue:
        match request.get_json(silent=True):
            case {"approve": bool() as approve}:
                pass
            case _:
                return jsonify(error='expected {"approve": true} or {"approve": false}'), 400
        try:
            answered = world.approvals.answer(approval_id, approve=approve, now=world.clock.now())
        except ApprovalGone as refusal:
            return jsonify(error=str(refusal)), 409
        return jsonify(_approval_json(world, answered))

    @api.delete("/api/approvals")
    def forget_approvals() -> ResponseReturnValue:
        world.approvals.clear()
        return "", 204

    @api.post("/sms")
    def sms_provider() -> ResponseReturnValue:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return jsonify(error="a bearer token is required"), 401, {"WWW-Authenticate": "Bearer"}
        if world.faults.sms == "error":
            return jsonify(error="the SMS provider is out of order"), 503
        body = request.get_json(silent=True)
        body = body if isinstance(body, dict) else {}
        try:
            sms = world.phone.deliver(to=body.get("to"), text=body.get("text"), received_at=world.clock.now())
        except UndeliverableSms as refusal:
            return jsonify(error=str(refusal)), 400
        return jsonify(id=sms.id), 202

    @api.get("/api/clock")
    def clock() -> Response:
        return _clock_json(world)

    @api.post("/api/clock")
    def move_clock() -> ResponseReturnValue:
        body = request.get_json(silent=True)
        try:
            match body:
                case {"reset": True}:
                    world.clock.reset()
                case {"advance_seconds": int() | float() as seconds}:
                    world.clock.advance(timedelta(seconds=seconds))
                case _:
                    return jsonify(error='expected {"advance_seconds": n} or {"reset": true}'), 400
        except ClockRefusal as refusal:
            return jsonify(error=str(refusal)), 409
        except (OverflowError, ValueError):
            return jsonify(error="advance_seconds is out of range"), 400
        return _clock_json(world)

    @api.get("/api/faults")
    def faults() -> Response:
        return jsonify(world.faults.as_json())

    @api.post("/api/faults")
    def switch_faults() -> ResponseReturnValue:
        try:
            world.faults.switch(request.get_json(silent=True))
        except UnknownFault as refusal:
            return jsonify(error=str(refusal)), 400
        return jsonify(world.faults.as_json())

    _card_reader(api, world)
    return api


def _card_reader(api: Blueprint, world: World) -> None:
    @api.get("/api/card")
    def card() -> Response:
        return jsonify(_card_json(world))

    @api.post("/api/card")
    def use_card() -> ResponseReturnValue:
        station = world.station
        if station is None:
            return jsonify(error="there is no card reader here"), 409
        asked = True
        try:
            match request.get_json(silent=True):
                case {"insert": str() as key}:
                    station.insert(key)
                case {"remove": True}:
                    station.remove()
                case {"renew": True}:
                    station.renew()
                case {"code": str() as digits}:
                    asked = station.pad.type_code(digits)
                case {"confirm": True}:
                    asked = station.pad.confirm()
                case {"cancel": True}:
                    asked = station.pad.cancel()
                case _:
                    wanted = "insert, remove, renew, code, confirm or cancel"
                    return jsonify(error=f"expected one of {wanted}"), 400
        except UnknownCard as refusal:
            return jsonify(error=str(refusal)), 400
        return jsonify({"asked": asked, **_card_json(world)})


def _card_json(world: World) -> dict[str, object]:
    station = world.station
    if station is None:
        return {"reader": False}
    view, demand = station.pad.view, station.pad.demand
    return {
        "reader": True,
        "inserted": station.inserted.key if station.inserted else None,
        "open": station.pad.is_open,
        "origin": demand.origin if demand else None,
        "state": str(view.state) if view else None,
        "tries_left": view.tries_left if view else None,
        "wrong_code": view.wrong_code if view else False,
    }


def _clock_json(world: World) -> Response:
    return jsonify(now=world.clock.now().isoformat(), offset_seconds=world.clock.offset().total_seconds())


def _approval_json(world: World, approval: Approval) -> dict[str, object]:
    return {
        "id": approval.id,
        "person": approval.person,
        "national_id": approval.national_id,
        "service": approval.service,
        "number": approval.number,
        "decision": str(approval.decision(world.clock.now())),
        "asked_at": approval.asked_at.isoformat(),
        "expires_at": approval.expires_at.isoformat(),
    }


def _mail_json(mail: Mail) -> dict[str, object]:
    return {
        "id": mail.id,
        "from": mail.sender,
        "to": list(mail.recipients),
        "subject": mail.subject,
        "text": mail.text,
        "links": links(mail.text),
        "codes": codes(mail.text),
        "received_at": mail.received_at.isoformat(),
    }


def _sms_json(sms: Sms) -> dict[str, object]:
    return {
        "id": sms.id,
        "to": sms.to,
        "text": sms.text,
        "codes": codes(sms.text),
        "received_at": sms.received_at.isoformat(),
    }
