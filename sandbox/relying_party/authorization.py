"""The authorization request (OpenID Connect Core §3.1.2.1, PKCE RFC 7636) and the checks of its answer.

Refuses an answer that repeats a parameter, whose state was never sent from this browser, or whose `iss` is missing
where the gateway promises it, or is another's (RFC 9207 §2.4). Only then is an error believed.
"""

import base64
import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from sandbox.relying_party.configuration import SCOPE, ClientConfiguration
from sandbox.relying_party.failures import ProviderError, ResponseRefused
from sandbox.relying_party.provider import Metadata


@dataclass(frozen=True)
class Transaction:
    """What was sent, kept on the server under its `state` until the answer comes back."""

    state: str
    nonce: str
    code_verifier: str
    asked_acr_values: tuple[str, ...] = ()
    silent: bool = False
    structure: str | None = None

    @classmethod
    def begin(
        cls, *, acr_values: tuple[str, ...] = (), silent: bool = False, structure: str | None = None
    ) -> "Transaction":
        state, nonce, code_verifier = (secrets.token_urlsafe(octets) for octets in (32, 32, 48))
        return cls(state, nonce, code_verifier, acr_values, silent, structure)


def authorization_url(client: ClientConfiguration, metadata: Metadata, transaction: Transaction) -> str:
    digest = hashlib.sha256(transaction.code_verifier.encode("ascii")).digest()
    parameters = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": client.redirect_uri,
        "scope": SCOPE,
        "state": transaction.state,
        "nonce": transaction.nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii"),
        "code_challenge_method": "S256",
    }
    if transaction.asked_acr_values:
        parameters["acr_values"] = " ".join(transaction.asked_acr_values)
    if transaction.silent:
        parameters["prompt"] = "none"
    if transaction.structure is not None:
        parameters["structure"] = transaction.structure
    separator = "&" if "?" in metadata.authorization_endpoint else "?"
    return f"{metadata.authorization_endpoint}{separator}{urlencode(parameters)}"


def accepted_code(
    parameters: Mapping[str, Sequence[str]],
    *,
    expected_issuer: str,
    issuer_is_always_said: bool,
    take_transaction: Callable[[str], Transaction | None],
) -> tuple[str, Transaction]:
    """The code and the transaction it answers. `take_transaction` gives a transaction once, to its own browser."""
    if any(len(values) != 1 for values in parameters.values()):
        raise ResponseRefused("repeated_parameter")
    answer = {name: values[0] for name, values in parameters.items()}
    transaction = take_transaction(answer.get("state", ""))
    if transaction is None:
        raise ResponseRefused("unknown_state")
    if answer.get("iss", None if issuer_is_always_said else expected_issuer) != expected_issuer:
        raise ResponseRefused("wrong_issuer", repr(answer.get("iss")))
    if "error" in answer:
        raise ProviderError(answer["error"], answer.get("error_description", ""))
    if not answer.get("code"):
        raise ResponseRefused("no_code")
    return answer["code"], transaction
