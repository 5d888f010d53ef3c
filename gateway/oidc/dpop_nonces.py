"""The nonces that DPoP proofs must hold (RFC 9449 §8, §9): made from a key and the hour, so that nothing is kept of them.

A nonce serves for its period and the next one. Clocks of two nodes may differ by less than a period.
"""

import hmac

from gateway.keys.purposes import Purpose, PurposeKey
from gateway.randomness import base64url

PERIOD_SECONDS = 120


class DpopNonces:
    def __init__(self, key: PurposeKey) -> None:
        self._key = key
        self._made: dict[int, str] = {}

    def at(self, now: float) -> str:
        return self._of(int(now // PERIOD_SECONDS))

    def accepts(self, nonce: str, now: float) -> bool:
        period, presented = int(now // PERIOD_SECONDS), nonce.encode("utf-8", "surrogatepass")
        return any(hmac.compare_digest(presented, self._of(period + near).encode()) for near in (0, -1, 1))

    def _of(self, period: int) -> str:
        made = self._made.get(period)
        if made is None:
            if len(self._made) > 8:
                self._made.clear()
            made = base64url(self._key.mac(Purpose.DPOP_NONCE, period.to_bytes(8, "big"))[:16])
            self._made[period] = made
        return made
