"""`passerelle demo`: everything on this machine, for one person with a browser.

A fresh gateway on embedded SQLite, its jobs, and the local world (mailbox, phone, Pro Santé Connect, the applications
Orientation and Suivi), each in its own process; sandbox identities only. Ctrl-C stops them all. What it makes stands in one
folder, made anew at each start. With `--headless` it is for scripts: nobody is prompted, one line of JSON says where
everything is, and with `--persona` one of its people signs in without a page (gateway/cli/headless.py).
"""

import contextlib
import shutil
import signal
import socket
import sys
import threading
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click
import yaml
from click.core import ParameterSource

from gateway.cli.command_line import Invocation
from gateway.cli.demo_processes import Processes
from gateway.cli.headless import OtherApplication, Persona, other_application, persona, ready_line
from gateway.cli.output import CommandRefused
from gateway.randomness import opaque, system_randomness

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = ROOT / "sandbox" / "data" / "people.yaml"
HOSTS = {
    "gateway": "127.0.0.1",
    "world": "127.0.0.2",
    "smtp": "127.0.0.2",
    "orientation": "127.0.0.5",
    "suivi": "127.0.0.6",
    "psc": "127.0.0.3",
    "wallet": "127.0.0.4",
    "bridge": "127.0.0.1",
}
"""Where each part listens."""
_PROOFS = ("password+email", "password+sms", "psc", "card")


@dataclass(frozen=True, slots=True)
class Ports:
    gateway: int
    world: int
    smtp: int
    orientation: int
    suivi: int
    psc: int
    wallet: int
    bridge: int

    @property
    def issuer(self) -> str:
        return f"http://localhost:{self.gateway}"

    @property
    def world_url(self) -> str:
        return f"http://127.0.0.2:{self.world}"

    @property
    def psc_url(self) -> str:
        return f"http://127.0.0.3:{self.psc}"

    @property
    def wallet_url(self) -> str:
        return f"http://127.0.0.4:{self.wallet}"

    @property
    def orientation_url(self) -> str:
        return f"http://127.0.0.5:{self.orientation}"

    @property
    def suivi_url(self) -> str:
        return f"http://127.0.0.6:{self.suivi}"


@click.command()
@click.option("--port", default=8080, show_default=True, help="The gateway's, on localhost.")
@click.option("--world-port", default=8090, show_default=True, help="Of “Le monde autour”, on 127.0.0.2.")
@click.option("--smtp-port", default=2525, show_default=True, help="Of the mailbox, on 127.0.0.2.")
@click.option("--orientation-port", default=8091, show_default=True, help="Of Orientation, on 127.0.0.5.")
@click.option("--suivi-port", default=8092, show_default=True, help="Of Suivi, on 127.0.0.6.")
@click.option("--psc-port", default=8093, show_default=True, help="Of Pro Santé Connect (simulated), on 127.0.0.3.")
@click.option("--bridge-port", default=17583, show_default=True, help="Of the card bridge, on 127.0.0.1.")
@click.option("--wallet-port", default=8094, show_default=True, help="Of its pages, on 127.0.0.4.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=ROOT / "var" / "demo",
    help="The folder of what the demo makes; emptied at each start.",
)
@click.option("--headless", is_flag=True, help="For scripts: one line of JSON; ports left out are free ones.")
@click.option(
    "--persona", "persona_name", metavar="NAME", help="With --headless: this person signs in without any page."
)
@click.option(
    "--proofs",
    type=click.Choice(_PROOFS),
    default="password+email",
    show_default=True,
    help="What the persona is said to prove at each sign-in: it decides acr and amr.",
)
@click.option("--client-id", metavar="ID", help="Registers your application under this name.")
@click.option("--redirect-uri", "redirect_uris", multiple=True, metavar="URL", help="Of your application; repeatable.")
@click.option("--post-logout-redirect-uri", "post_logout_uris", multiple=True, metavar="URL", help="Likewise.")
@click.option("--backchannel-logout-uri", "logout_uri", metavar="URL", help="Told when a session ends.")
@click.option("--public", is_flag=True, help="Your application has no secret (a page in a browser, a mobile).")
@click.option(
    "--credential-file",
    "credential_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Holds its secret; made when it is not there. Default: a file in the folder of --data.",
)
@click.option(
    "--rights-of",
    type=click.Choice(["orientation", "suivi"]),
    default="orientation",
    show_default=True,
    help="Your application receives the rights that people have in this one.",
)
@click.option("--ephemeral-url", help="Redis instead of embedded SQLite, such as redis://127.0.0.1:6379/0.")
@click.option("--database-url", help="PostgreSQL instead of embedded SQLite.")
@click.pass_obj
def demo(
    invocation: Invocation,
    *,
    port: int,
    world_port: int,
    smtp_port: int,
    orientation_port: int,
    suivi_port: int,
    psc_port: int,
    wallet_port: int,
    bridge_port: int,
    data: Path,
    headless: bool,
    persona_name: str | None,
    proofs: str,
    client_id: str | None,
    redirect_uris: tuple[str, ...],
    post_logout_uris: tuple[str, ...],
    logout_uri: str | None,
    public: bool,
    credential_file: Path | None,
    rights_of: str,
    ephemeral_url: str | None,
    database_url: str | None,
) -> None:
    """Starts the main job with everything local and embedded; Ctrl-C stops it."""
    if persona_name is not None and not headless:
        raise click.UsageError("--persona signs somebody in without asking anybody: it goes with --headless.")
    who = persona(persona_name, proofs, PEOPLE) if persona_name is not None else None
    other = other_application(
        client_id,
        redirect_uris,
        post_logout_redirect_uris=post_logout_uris,
        backchannel_logout_uri=logout_uri,
        secret_file=(credential_file or data / f"{client_id}.secret").resolve(),
        public=public,
        rights_of=rights_of,
    )
    ports = _chosen(
        Ports(port, world_port, smtp_port, orientation_port, suivi_port, psc_port, wallet_port, bridge_port),
        left_out_are_free=headless,
    )
    _check_free(ports)
    asked_to_stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked_to_stop.set())
    settings_file = _prepare(data, ports, ephemeral_url, database_url, who, other)
    secrets = _secrets(data) | ({other.client_id: other.secret_file} if other and other.secret_file else {})
    with Processes(data, settings_file.resolve(), asked_to_stop) as processes:
        processes.start_program("world", _sandbox_command(ports, data))
        processes.import_ahead()
        from gateway.cli.seed import seed_demo  # noqa: PLC0415 -- the world starts before this is loaded

        processes.wait_for_file(data / "cards" / "anchors.yaml")
        seed_demo(settings_file, people_file=PEOPLE, secret_files=secrets)
        processes.wait_until_listening("127.0.0.2", ports.smtp)  # or the first mails would wait for their second try
        for name in ("serve", "jobs"):
            processes.start_own(name)
        sites = (ports.world_url, ports.orientation_url, ports.suivi_url, ports.wallet_url)
        processes.wait_until_healthy([f"{ports.issuer}/health", *(f"{site}/" for site in sites)])
        own = {"orientation": ports.orientation_url, "suivi": ports.suivi_url}
        if headless:
            with_secrets = {name: (url, secrets[name]) for name, url in own.items()}
            click.echo(ready_line(ports.issuer, who, with_secrets, other, ports.world_url))
        else:
            _say_where(invocation, ports, data)
        sys.stdout.flush()
        processes.watch()


def _say_where(invocation: Invocation, ports: Ports, data: Path) -> None:
    invocation.output.say(
        f"\n  Open  {ports.orientation_url}  and click « Se connecter ».\n\n"
        f"  User name  n.benali       (her password and the other people: the README, or the page below)\n"
        f"  The other application     {ports.suivi_url}   (Suivi: no second sign-in)\n"
        f"  Pro Santé Connect         RPPS 99900000011 is Nadia's; approve on the phone below\n"
        f"  CPS card                  insert one in the reader below, its code is 1234\n"
        f"  Mailbox, phone, clock     {ports.world_url}\n"
        f"  The gateway               {ports.issuer}\n\n"
        "  Ctrl-C stops everything.\n",
        gateway=ports.issuer,
        world=ports.world_url,
        orientation=ports.orientation_url,
        suivi=ports.suivi_url,
        wallet=ports.wallet_url,
        bridge=f"http://127.0.0.1:{ports.bridge}",
        data=str(data),
    )


def _chosen(ports: Ports, *, left_out_are_free: bool) -> Ports:
    """A port 0 becomes a free one; so does, for scripts, each that the command line does not name."""
    context = click.get_current_context()
    chosen = {}
    with contextlib.ExitStack() as held:
        for name in (field.name for field in fields(Ports)):
            option = "port" if name == "gateway" else f"{name}_port"
            left_out = context.get_parameter_source(option) is ParameterSource.DEFAULT
            chosen[name] = getattr(ports, name)
            if chosen[name] == 0 or (left_out and left_out_are_free):
                probe = held.enter_context(socket.socket())  # all at once, so that no two are the same
                probe.bind((HOSTS[name], 0))
                chosen[name] = probe.getsockname()[1]
    return Ports(**chosen)


def _check_free(ports: Ports) -> None:
    for name, host in HOSTS.items():
        port, option = getattr(ports, name), "--port" if name == "gateway" else f"--{name}-port"
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise CommandRefused(
                    f"{host}:{port} cannot be used ({error.strerror}): stop what uses it, or choose another with {option}. "
                    "(On macOS, first type: for n in 2 3 4 5 6; do sudo ifconfig lo0 alias 127.0.0.$n; done)"
                ) from None


def _prepare(
    data: Path,
    ports: Ports,
    ephemeral_url: str | None,
    database_url: str | None,
    who: Persona | None,
    other: OtherApplication | None,
) -> Path:
    """An empty folder with the settings, a copy of idp_config at the demo's addresses, and the shared clock."""
    settings_file = data / "passerelle.yaml"
    if data.exists():
        if any(data.iterdir()) and not settings_file.exists():
            raise CommandRefused(f"{data} holds something else than a demo; name another folder with --data.")
        shutil.rmtree(data)
    data.mkdir(parents=True, mode=0o700)
    shutil.copytree(ROOT / "idp_config", data / "idp_config")
    for client in (data / "idp_config" / "clients").glob("*.yaml"):
        text = client.read_text("utf-8").replace("http://127.0.0.5:8091", ports.orientation_url)
        client.write_text(text.replace("http://127.0.0.6:8092", ports.suivi_url), "utf-8")
    if other is not None:
        other.write(data / "idp_config" / "clients")
    psc = data / "idp_config" / "psc.yaml"
    text = psc.read_text("utf-8").replace("http://127.0.0.3:8093", ports.psc_url)
    text = text.replace("http://127.0.0.4:8094", ports.wallet_url)
    psc.write_text(text.replace("http://localhost:8080", ports.issuer), "utf-8")
    card = data / "idp_config" / "card.yaml"
    card.write_text(card.read_text("utf-8").replace("[17583, 27583, 37583]", f"[{ports.bridge}]"), "utf-8")
    (data / "clock-offset").write_bytes(bytes(8))
    settings: dict[str, Any] = {
        "profile": "demo",
        "issuer": ports.issuer,
        "listen": f"localhost:{ports.gateway}",
        "idp_config": "idp_config",
        "data": ".",
        "smtp": {"host": "127.0.0.2", "port": ports.smtp, "tls": "none", "sender": "passerelle@demo.passerelle.test"},
        "sms": {"url": f"{ports.world_url}/sms", "secret_file": "sms.token", "budget": {"daily": 500}},
        "means": ["psc", "card", "passkey", "password"],
        "card": {"certificates": "cards"},
        "psc": {"client_secret_file": "psc.secret"},
        "directory": {
            "structures_file": str(ROOT / "sandbox" / "data" / "structures.csv"),
            "roles_file": str(ROOT / "sandbox" / "data" / "roles.csv"),
        },
        "clock_offset_file": "clock-offset",
        "parameters": {"key.sign.rsa_bits": 2048},
    }
    if who is not None:
        settings["unattended"] = dict(who.settings)
    if ephemeral_url:
        settings["ephemeral"] = {"url": ephemeral_url}
    if database_url:
        settings["database"] = {"url": database_url}
    settings_file.write_text(yaml.safe_dump(settings, sort_keys=False), "utf-8")
    for name in (*_secrets(data).values(), data / "psc.secret", data / "sms.token"):
        name.touch(mode=0o600)
        name.write_text(opaque(system_randomness), "utf-8")
    if other is not None and other.secret_file is not None and not other.secret_file.exists():
        other.secret_file.touch(mode=0o600)
        other.secret_file.write_text(opaque(system_randomness), "utf-8")
    return settings_file


def _secrets(data: Path) -> dict[str, Path]:
    """By client: the secret that the gateway and the application share."""
    return {client: data / f"{client}.secret" for client in ("orientation", "suivi")}


def _sandbox_command(ports: Ports, data: Path) -> list[str]:
    people, secrets = PEOPLE, _secrets(data)
    return [
        sys.executable, "-m", "sandbox", "--profile", "demo", "--issuer", ports.issuer,
        "--world", f"127.0.0.2:{ports.world}", "--smtp", f"127.0.0.2:{ports.smtp}",
        "--orientation", f"127.0.0.5:{ports.orientation}", "--orientation-client-id", "orientation",
        "--orientation-client-secret-file", str(secrets["orientation"]),
        "--suivi", f"127.0.0.6:{ports.suivi}", "--suivi-client-id", "suivi",
        "--suivi-client-secret-file", str(secrets["suivi"]),
        "--psc", f"127.0.0.3:{ports.psc}", "--wallet", f"127.0.0.4:{ports.wallet}",
        "--psc-client-id", "passerelle-demo", "--psc-client-secret-file", str(data / "psc.secret"),
        "--psc-redirect-uri", f"{ports.issuer}/signin/psc/callback",
        "--psc-post-logout-redirect-uri", f"{ports.issuer}/signin/psc/logged-out",
        "--bridge-port", str(ports.bridge), "--card-folder", str(data / "cards"),
        "--clock-offset-file", str(data / "clock-offset"), "--people-file", str(people),
    ]  # fmt: skip
