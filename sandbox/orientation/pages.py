"""Orientation's own part: its look, and the nine rights of its handicap module."""

from pathlib import Path

from flask import Flask

from sandbox.clock import WorldClock
from sandbox.relying_party.configuration import ClientConfiguration
from sandbox.relying_party.site import Application, application_site

RIGHTS = {
    "etab.update": "Mettre à jour les données établissement",
    "unite.update": "Mettre à jour les données unité",
    "habilitation.update": "Mettre à jour les habilitations des professionnels",
    "tdb.nominatif": "Consulter le tableau de bord ESMS (nominatif)",
    "tdb.anonyme": "Consulter le tableau de bord ESMS (anonyme)",
    "notif.declare": "Déclarer une notification",
    "notif.repondre": "Accéder aux notifications reçues (répondre)",
    "evaluation.read": "Accéder aux informations d’évaluation",
    "stats.read": "Consulter les statistiques ESMS",
}

ORIENTATION = Application(
    name="Orientation",
    folder=Path(__file__).parent,
    cookie="orientation_session",
    rights=RIGHTS,
    watches_session=True,
)


def orientation_site(client: ClientConfiguration, clock: WorldClock, *, world_url: str = "") -> Flask:
    return application_site(ORIENTATION, client, clock, world_url=world_url)
