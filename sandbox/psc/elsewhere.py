"""Traps on the wallet's origin: addresses that give what the back channel gives, for clients that let themselves be sent
there by a redirect or by a false discovery document. A visit is in the journal as `elsewhere/…`."""

from flask import Flask
from flask.typing import ResponseReturnValue

from sandbox.psc.answers import json_answer
from sandbox.psc.auth_site import key_set, tokens_for_request, userinfo_answer
from sandbox.psc.metadata import discovery
from sandbox.psc.realm import Realm


def set_traps(site: Flask, realm: Realm) -> None:
    @site.post("/elsewhere/token", endpoint="elsewhere/token")
    def token() -> ResponseReturnValue:
        return json_answer(tokens_for_request(realm))

    @site.get("/elsewhere/userinfo", endpoint="elsewhere/userinfo")
    def userinfo() -> ResponseReturnValue:
        """Of the newest token: who follows a redirect to another origin leaves the token behind."""
        given = realm.tokens.newest_access()
        return userinfo_answer(realm, given) if given else ("", 404)

    @site.get("/elsewhere/jwks", endpoint="elsewhere/jwks")
    def keys() -> ResponseReturnValue:
        return json_answer(key_set(realm))

    @site.get("/elsewhere/discovery", endpoint="elsewhere/discovery")
    def metadata() -> ResponseReturnValue:
        return json_answer(discovery(realm))
