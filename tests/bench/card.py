"""Campaign "card": what a sign-in by card costs the server, in CPU microseconds of this very process.

The hierarchy has the real sizes (authorities of RSA-4096, card of RSA-2048) and a list of 100 000 revoked serials. A password's
hash is measured in the same rounds, so that the two can be compared.
"""

import functools
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.accounts.password_hash import PasswordHasher
from gateway.journal.effects import NO_EFFECTS
from gateway.keys.purposes import Purpose
from gateway.randomness import system_randomness
from gateway.signin.card.assertion import read_assertion
from gateway.signin.card.revocation import RevocationLists, read_list
from gateway.signin.card.signed_value import nonce_digest
from gateway.signin.card.signin import CardSignin
from gateway.signin.card.verification import CardVerifier, Expected
from gateway.storage.ephemeral import open_ephemeral
from sandbox.card import igc_sante
from tests.bench import campaign, measure
from tests.unit.signin.card.cards import NONCE, NOW, ORIGIN, START, Rig, message
from tests.unit.signin.card.tab import CONTEXT, NotedArrivals, Tab
from tests.unit.signin.world import key

REVOKED = 100_000
BUDGET_US = 1200.0
FEWER_US = 20.0
"""A password's hash costs at least so many times a card's verification (performance dossier, G11)."""


def card(*, rounds: int, seconds: float) -> dict[str, Any]:
    """Measures, prints the table, returns the figures for the record; fails nobody, but says when a budget is exceeded."""
    os.sched_setaffinity(0, {measure.SERVER_CORE})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rig = _real_sizes(folder / "anchors")
        deeds = {
            "verification of an answer": _verification(rig),
            "sign-in: challenge, answer, store": _signin(rig, f"sqlite:///{folder / 'ephemeral.db'}"),
            "password: one hash": _password(),
        }
        figures: dict[str, list[float]] = {deed: [] for deed in deeds}
        for turn in range(rounds):
            for deed in campaign.rotated(list(deeds), turn):
                figures[deed].append(_cpu_us(deeds[deed], seconds))
        load = _load_ms(rig)
    medians = {deed: statistics.median(found) for deed, found in figures.items()}
    rows = [["what", "CPU µs, median", "lowest", "highest"]]
    rows += [
        [deed, f"{medians[deed]:.0f}", f"{min(found):.0f}", f"{max(found):.0f}"] for deed, found in figures.items()
    ]
    print(f"\ncard\n{measure.table(rows)}")
    print(f"a list of {REVOKED} serials taken up in {load:.0f} ms, once a day in each process")
    verification = medians["verification of an answer"]
    times = medians["password: one hash"] / verification
    print(f"budget of a card's verification: {BUDGET_US:.0f} µs, {'kept' if verification < BUDGET_US else 'EXCEEDED'}")
    print(f"a password's hash costs {times:.0f} times as much (at least {FEWER_US:.0f} wanted)")
    return {"campaign": "card", "cpu_us": figures, "list_ms": load}


def _real_sizes(folder: Path) -> Rig:
    igc_sante.rsa_key = functools.partial(igc_sante.rsa_key, bits=4096)  # type: ignore[attr-defined]
    rig = Rig(folder, igc_sante.LookAlikeIgc(START, keys="bench"))
    rig.revoke(rig.igc.fort_personnes, *range(1, REVOKED + 1))
    rig.lists = RevocationLists(rig.store, rig.trust)
    rig.verifier = CardVerifier(rig.environment, rig.trust, rig.lists)
    return rig


def _verification(rig: Rig) -> Callable[[], object]:
    body = json.dumps({"assertion": message(rig.igc.professional())})
    expected = Expected(ORIGIN, nonce_digest(NONCE), "login", NOW)
    return lambda: rig.verifier.verify(read_assertion(json.loads(body)["assertion"]), expected=expected)


def _signin(rig: Rig, url: str) -> Callable[[], object]:
    """Without the card's own work: the answer is signed beforehand, over a nonce that is always the same."""
    store, tab = open_ephemeral(url, system_randomness), Tab(rig)
    nonce = bytes(range(32))
    signin = CardSignin(
        transactions=store.transactions,
        spool=store.spool,
        verifier=rig.verifier,
        linking=NotedArrivals(),
        environment=rig.environment,
        origin=ORIGIN,
        clock=tab.clock,
        randomness=lambda size: nonce[:size],
    )
    answer = message(rig.igc.professional(), nonce=NONCE)
    store.transactions.open(tab.txn, NO_EFFECTS)

    def sign_in() -> object:
        found = store.transactions.find(tab.txn.handle, NOW)
        assert found is not None
        asked, _ = signin.challenge(found)
        return signin.verified(asked, answer, CONTEXT)

    return sign_in


def _password() -> Callable[[], object]:
    hasher = PasswordHasher(key(Purpose.PASSWORD_PEPPER), system_randomness)
    return lambda: hasher.hash("somebody", "le héron gris traverse")


def _cpu_us(deed: Callable[[], object], seconds: float) -> float:
    deed()
    done, until, before = 0, time.monotonic() + seconds, time.process_time()
    while time.monotonic() < until:
        deed()
        done += 1
    return (time.process_time() - before) / done * 1e6


def _load_ms(rig: Rig) -> float:
    (issuing,) = [one for one in rig.trust.watched if one.anchor.role == "issuing"]
    stored = rig.store.find(issuing.fingerprint)
    assert stored is not None
    before = time.process_time()
    read_list(stored.der, issuing)
    return (time.process_time() - before) * 1e3
