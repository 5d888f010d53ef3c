"""Suivi's own part: its look, and the four rights of an operator who follows people up."""

from pathlib import Path

from flask import Flask

from sandbox.clock import WorldClock
from sandbox.relying_party.configuration import ClientConfiguration
from sandbox.relying_party.site import Application, application_site

RIGHTS = {
    "suivi.dossier.lire": "Lire les dossiers de suivi",
    "suivi.dossier.ecrire": "Écrire dans les dossiers de suivi",
    "suivi.equipe.gerer": "Répartir les dossiers dans l’équipe",
    "suivi.stats.lire": "Consulter l’activité de la structure",
}

SUIVI = Application(name="Suivi", folder=Path(__file__).parent, cookie="suivi_session", rights=RIGHTS)


def suivi_site(client: ClientConfiguration, clock: WorldClock, *, world_url: str = "") -> Flask:
    return application_site(SUIVI, client, clock, world_url=world_url)
