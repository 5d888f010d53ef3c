"""RSA keys made at start and kept for the life of the process: a key of one name and size is made once.

Generation costs a tenth of a second; a test process asks for the same few keys hundreds of times. Nothing is written.
"""

import threading

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

_made: dict[tuple[str, int, int], RSAPrivateKey] = {}
_making = threading.Lock()


def rsa_key(name: str, *, bits: int = 2048, exponent: int = 65537) -> RSAPrivateKey:
    """The key of this name; another name gives another key."""
    with _making:
        key = _made.get((name, bits, exponent))
        if key is None:
            key = _made[name, bits, exponent] = generate_private_key(public_exponent=exponent, key_size=bits)
        return key
