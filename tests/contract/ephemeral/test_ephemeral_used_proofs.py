"""Assertions and DPoP proofs serve once, on every engine (OID-05, OID-08)."""

from typing import Any

import pytest

from gateway.oidc.ports import ProofKind
from gateway.storage.ephemeral import EphemeralStore
from tests.contract.ephemeral.conftest import AtOnce, Run
from tests.contract.ephemeral.ephemeral_samples import MILLISECOND, NOW

UNTIL = NOW + 300


@pytest.mark.spec("OID-05", "OID-08")
def test_a_proof_serves_once_until_its_end_to_the_millisecond(store: EphemeralStore, run: Run[Any]) -> None:
    def use(now: float, until: float = UNTIL) -> bool:
        return bool(run(store.used_proofs.use_once(ProofKind.DPOP, "key", "j", until, now)))

    assert use(NOW)
    assert not use(NOW)
    assert not use(UNTIL - MILLISECOND, UNTIL + 300)
    assert use(UNTIL, UNTIL + 300)
    assert not use(UNTIL + 300 - MILLISECOND)


@pytest.mark.spec("OID-05", "OID-08")
def test_of_fifty_parallel_uses_one_succeeds(store: EphemeralStore, at_once: AtOnce) -> None:
    used = at_once(50, lambda: store.used_proofs.use_once(ProofKind.ASSERTION, "orientation", "j", UNTIL, NOW))
    assert sorted(used) == [False] * 49 + [True]


@pytest.mark.spec("OID-05", "OID-08")
def test_proofs_of_another_kind_holder_or_name_are_others(store: EphemeralStore, run: Run[Any]) -> None:
    named = [
        (ProofKind.DPOP, "ab", "c"),
        (ProofKind.DPOP, "a", "bc"),
        (ProofKind.ASSERTION, "ab", "c"),
        (ProofKind.DPOP, "ab", ""),
        (ProofKind.DPOP, "", "abc"),
        (ProofKind.DPOP, "ab", "\ud800é" * 100),
    ]
    for proof in named:
        assert run(store.used_proofs.use_once(*proof, UNTIL, NOW))
    for proof in named:
        assert not run(store.used_proofs.use_once(*proof, UNTIL, NOW))


def test_what_has_ended_is_collected(store: EphemeralStore, run: Run[Any], ephemeral_url: str) -> None:
    if not ephemeral_url.startswith("sqlite"):
        pytest.skip("its keys expire by themselves")
    run(store.used_proofs.use_once(ProofKind.DPOP, "key", "j", UNTIL, NOW))
    assert store.purge(UNTIL - MILLISECOND) == 0
    assert store.purge(UNTIL) == 1
