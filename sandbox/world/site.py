"""Puts the site « Le monde autour » together: pages for people, a JSON API for tests, scripts and the gateway's SMS."""

from flask import Blueprint, Flask

from sandbox.http_server import harden
from sandbox.world.api import world_api
from sandbox.world.pages import world_pages
from sandbox.world.surroundings import World

__all__ = ["World", "world_site"]


def world_site(world: World, *other_apis: Blueprint) -> Flask:
    """`other_apis`: what strangers of the sandbox let tests ask of them, at the same address."""
    site = Flask("sandbox.world", root_path=__file__.rpartition("/")[0])
    site.json.ensure_ascii = False  # type: ignore[attr-defined]  # the default provider has it
    site.config["MAX_CONTENT_LENGTH"] = 64 * 1024
    harden(site)
    site.register_blueprint(world_api(world))
    site.register_blueprint(world_pages(world))
    for api in other_apis:
        site.register_blueprint(api)
    return site
