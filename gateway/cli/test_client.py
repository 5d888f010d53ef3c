"""`passerelle test-client URL`: plays to an application a provider that lies one way at a time, and says which check it lacks.

The application is configured with the issuer, the client id and the secret printed here; then its login is driven like a
browser would, without scripts. Needs neither settings nor stores; listens on this machine alone unless told otherwise.
"""

import json
import ssl
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from gateway.cli.command_line import Invocation
from gateway.cli.lying_provider.browser import NoAnswerError
from gateway.cli.lying_provider.lies import LIES
from gateway.cli.lying_provider.logout_lies import HONOURED, LOGOUT_LIES, REPLAYED
from gateway.cli.lying_provider.provider import LyingProvider
from gateway.cli.lying_provider.report import as_document, as_junit, in_words, is_clean
from gateway.cli.lying_provider.scene import Scene
from gateway.cli.lying_provider.server import listening
from gateway.cli.lying_provider.trial import OTHER_BROWSER, PKCE, REPLAY, HonestLoginFailedError, Trial
from gateway.cli.output import CommandRefused
from gateway.clock import SystemClock
from gateway.keys.signing_key import Algorithm
from gateway.randomness import system_randomness
from gateway.settings import is_loopback

PUBLIC_SECRET = "this-secret-opens-the-test-provider-and-nothing-else"
PAUSE = 0.3
CODES = (
    *(check.code for check in (PKCE, OTHER_BROWSER, REPLAY, HONOURED, REPLAYED)),
    *(lie.check.code for lie in LIES),
    *(lie.check.code for lie in LOGOUT_LIES),
)


@click.command(name="test-client", short_help="Lies to your application, and says which check it lacks.")
@click.argument("url", metavar="URL")
@click.option(
    "--listen", default="127.0.0.1:9400", show_default=True, help="Where the provider listens; port 0: a free one."
)
@click.option("--issuer", help="How the application reaches it, when that is another address (a container, a proxy).")
@click.option("--beyond-loopback", is_flag=True, help="Lets --listen name an address that others can reach.")
@click.option(
    "--tls", "certificate", nargs=2, type=click.Path(exists=True), metavar="CERTIFICATE KEY", help="Serve https."
)
@click.option("--client-id", default="test-client", show_default=True, help="The application's.")
@click.option(
    "--credential-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help=f"The application's. Default: the secret {PUBLIC_SECRET}",
)
@click.option("--public", is_flag=True, help="The application has no secret.")
@click.option(
    "--algorithm", type=click.Choice(list(Algorithm)), default="ES256", show_default=True, help="Of ID tokens."
)
@click.option(
    "--claims", "claims_file", type=click.Path(path_type=Path, exists=True), help="JSON: more about who signs in."
)
@click.option("--signed-in", metavar="TEXT", help="What only a signed-in page shows. Default: found by comparison.")
@click.option("--backchannel-logout-uri", "logout_uri", metavar="URL", help="Lies there too.")
@click.option("--ca-file", type=click.Path(exists=True), help="Of the application's https certificate.")
@click.option("--wait", "patience", default=60, show_default=True, help="Seconds for the application to come up.")
@click.option("--only", multiple=True, type=click.Choice(CODES), metavar="CHECK", help="This check alone; repeatable.")
@click.option("--strict", is_flag=True, help="What the rules only recommend fails too.")
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Also writes this file.")
@click.pass_obj
def test_client(
    invocation: Invocation,
    *,
    url: str,
    listen: str,
    issuer: str | None,
    beyond_loopback: bool,
    certificate: tuple[str, str] | None,
    client_id: str,
    credential_file: Path | None,
    public: bool,
    algorithm: str,
    claims_file: Path | None,
    signed_in: str | None,
    logout_uri: str | None,
    ca_file: str | None,
    patience: int,
    only: tuple[str, ...],
    strict: bool,
    junit: Path | None,
) -> int:
    """Plays a provider that lies one way at a time to the application whose login begins at URL.

    Configure the application with the issuer, the client id and the secret that are printed first. The honest login runs
    before the lies and after them; what an accepted login looks like is learnt from it. Exit code 1: a check is missing.
    """
    if not url.startswith(("http://", "https://")):
        raise click.UsageError("URL: write the http(s) address where a login of your application begins.")
    host, port = _address(listen, beyond_loopback)
    secret = None if public else PUBLIC_SECRET
    if credential_file is not None and not public:
        secret = credential_file.read_text("utf-8").strip()
    try:
        with listening(host, port, certificate) as (server, bound):
            scheme, name = "https" if certificate else "http", f"[{host}]" if ":" in host else host
            scene = Scene.prepared(
                issuer=(issuer or f"{scheme}://{name}:{bound}").rstrip("/"),
                client_id=client_id,
                secret=secret,
                algorithm=Algorithm(algorithm),
                randomness=system_randomness,
                claims=_claims(claims_file),
            )
            server.provider = LyingProvider(scene, SystemClock())
            _say_configuration(scene, told=credential_file is None)
            trial = Trial(server.provider, url, signed_in=signed_in, logout_uri=logout_uri, ca_file=ca_file, only=only)
            _wait(trial, patience)
            results = list(trial.run())
    except ssl.SSLError as error:
        raise CommandRefused(f"--tls or --ca-file: no certificate can be read there ({error.strerror}).") from None
    except OSError as error:
        raise CommandRefused(f"{listen} cannot be used ({error.strerror}): choose another with --listen.") from None
    except HonestLoginFailedError as error:
        raise CommandRefused(f"{error}.") from None
    except NoAnswerError as error:
        raise CommandRefused(f"The application stopped answering: {error}.") from None
    clean = is_clean(results, strict=strict)
    if junit is not None:
        junit.write_text(as_junit(results, strict=strict), "utf-8")
    ending = "Rien ne manque. Nothing is missing." if clean else "Il manque des contrôles. Checks are missing."
    invocation.output.say(
        f"{in_words(results)}\n\nsigned in is recognised by: {trial.signs.in_words()}\n{ending}",
        clean=clean,
        recognised_by=trial.signs.in_words(),
        checks=as_document(results),
    )
    return 0 if clean else 1


def _address(listen: str, beyond_loopback: bool) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    if not host or not port.isdecimal():
        raise click.UsageError("--listen: write an address and a port, such as 127.0.0.1:9400.")
    if not is_loopback(host) and not beyond_loopback:
        raise CommandRefused(
            f"{host} can be reached from other machines, where a provider that lies has no business; if that is what you "
            "want (containers), add --beyond-loopback."
        )
    return host, int(port)


def _claims(file: Path | None) -> Mapping[str, Any]:
    if file is None:
        return {}
    try:
        claims = json.loads(file.read_text("utf-8"))
    except ValueError:
        claims = None
    if not isinstance(claims, dict):
        raise CommandRefused(f"{file}: write a JSON object of claims.")
    return claims


def _say_configuration(scene: Scene, *, told: bool) -> None:
    secret = "none (public client)" if scene.secret is None else scene.secret if told else "the file's"
    click.echo(
        f"Configure your application:  issuer {scene.issuer}  client id {scene.client_id}  secret {secret}  "
        f"ID tokens {scene.key.algorithm}",
        err=True,
    )


def _wait(trial: Trial, patience: int) -> None:
    """Until the application's login leads here: it may be starting, or waiting for its configuration."""
    never = threading.Event()
    clock = SystemClock()
    until = clock.now() + patience
    while (why := trial.reaches_us()) is not None:
        if clock.now() >= until:
            raise CommandRefused(f"{why}. Is the application configured with the issuer and client id printed above?")
        never.wait(PAUSE)
