"""PKCE, S256 alone."""

import pytest

from gateway.oidc.pkce import is_challenge, proves

# RFC 7636, appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.spec("OID-03", "RFC 7636 §4.6")
def test_the_example_of_the_rfc_proves_itself():
    assert proves(VERIFIER, CHALLENGE)


@pytest.mark.spec("OID-03")
@pytest.mark.parametrize(
    "verifier", [None, "", CHALLENGE, VERIFIER[:-1], VERIFIER + "A", VERIFIER + "\n", "é" * 43, "a" * 129]
)
def test_anything_else_does_not(verifier):
    assert not proves(verifier, CHALLENGE)


@pytest.mark.spec("OID-03")
def test_a_verifier_without_a_challenge_proves_nothing_and_plain_is_unknown():
    assert not proves(VERIFIER, None)
    assert not proves(VERIFIER, VERIFIER)
    assert proves(None, None)


@pytest.mark.parametrize("challenge", ["", "short", CHALLENGE + "=", CHALLENGE[:-1] + "+", CHALLENGE + "\n", "é" * 43])
def test_a_challenge_has_the_shape_of_a_digest(challenge):
    assert is_challenge(CHALLENGE)
    assert not is_challenge(challenge)
