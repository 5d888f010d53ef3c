"""For joserfc, where the one algorithm of a key was settled before: it then asks no list of its own.

(Its lists also warn of `EdDSA`, the name that RFC 9864 replaces and that OpenID clients know.)
"""

from typing import Any

from joserfc.jws import JWSRegistry


class ChosenAlgorithm(JWSRegistry):
    """Whoever uses it has compared the header's algorithm with the key's own."""

    def get_alg(self, name: str) -> Any:
        return self.algorithms[name]
