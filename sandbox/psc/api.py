"""The simulator's JSON API for tests, served by the world's site: lies, quirks, shape, level, keys, requests, people.

`POST /api/psc/lie {"lie": name | null}` and the like; GET lists what can be asked, each with its meaning.
"""

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from sandbox.psc.lies import Lie
from sandbox.psc.quirks import Quirk
from sandbox.psc.realm import Realm


def psc_api(realm: Realm) -> Blueprint:
    api = Blueprint("psc", __name__)
    conduct = realm.conduct

    @api.get("/api/psc")
    def state() -> ResponseReturnValue:
        return jsonify(
            issuer=realm.issuer,
            wallet=realm.wallet_url,
            lie=conduct.lie,
            quirk=conduct.quirk,
            acr=conduct.acr,
            keycloak=conduct.keycloak,
            lies={lie: lie.__doc__ for lie in Lie},
            quirks={quirk: quirk.__doc__ for quirk in Quirk},
            personas=[
                {"key": one.key, "national_id": one.national_id, "name": one.name, "means": one.means, "why": one.why}
                for one in realm.personas.everyone
            ],
        )

    @api.post("/api/psc/lie")
    def lie() -> ResponseReturnValue:
        try:
            conduct.lie = _wanted("lie")
        except ValueError:
            return jsonify(error='expected {"lie": name} or {"lie": null}; GET /api/psc lists the names'), 400
        return jsonify(lie=conduct.lie)

    @api.post("/api/psc/quirk")
    def quirk() -> ResponseReturnValue:
        try:
            conduct.quirk = _wanted("quirk")
        except ValueError:
            return jsonify(error='expected {"quirk": name} or {"quirk": null}; GET /api/psc lists the names'), 400
        return jsonify(quirk=conduct.quirk)

    @api.post("/api/psc/shape")
    def shape() -> ResponseReturnValue:
        match request.get_json(silent=True):
            case {"keycloak": "legacy" | "modern" as keycloak}:
                conduct.keycloak = keycloak
            case {"acr": str() as acr}:
                conduct.acr = acr
            case _:
                return jsonify(error='expected {"keycloak": "legacy" | "modern"} or {"acr": level}'), 400
        return jsonify(keycloak=conduct.keycloak, acr=conduct.acr)

    @api.post("/api/psc/keys")
    def keys() -> ResponseReturnValue:
        match request.get_json(silent=True):
            case {"rotate": True}:
                realm.keys.rotate()
            case {"drop_retired": True}:
                realm.keys.drop_retired()
            case _:
                return jsonify(error='expected {"rotate": true} or {"drop_retired": true}'), 400
        return jsonify(kids=[key.kid for key in realm.keys.published()])

    @api.get("/api/psc/requests")
    def requests() -> ResponseReturnValue:
        place = request.args.get("place")
        seen = realm.journal.all() if place is None else realm.journal.to(place)
        return jsonify(requests=[one.as_json() for one in seen])

    @api.delete("/api/psc/requests")
    def forget_requests() -> ResponseReturnValue:
        realm.journal.clear()
        return "", 204

    @api.delete("/api/psc/sessions")
    def end_sessions() -> ResponseReturnValue:
        realm.sessions.end_all()
        return "", 204

    return api


def _wanted(name: str) -> str | None:
    body = request.get_json(silent=True)
    value = body.get(name, "") if isinstance(body, dict) else ""
    if value is not None and not isinstance(value, str):
        raise ValueError(name)
    return value
