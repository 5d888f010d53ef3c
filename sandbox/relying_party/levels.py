"""The sign-in levels the sample applications know by name, weakest first, and what « un niveau plus fort » asks for.

A step-up asks, weakest sufficient first, for every known level above the present one that the gateway says it offers.
"""

KNOWN_LEVELS = {
    "urn:passerelle:acr:pwd": "mot de passe",
    "urn:passerelle:acr:pwd-device": "mot de passe, appareil reconnu",
    "urn:passerelle:acr:pwd-otp-mail": "mot de passe et code par courriel",
    "urn:passerelle:acr:pwd-otp-sms": "mot de passe et code par SMS",
    "urn:passerelle:acr:pwd-totp": "mot de passe et application de codes",
    "urn:passerelle:acr:passkey": "clé d’accès",
    "urn:passerelle:acr:card": "carte CPS",
    "urn:passerelle:acr:psc": "Pro Santé Connect",
}


def level_name(acr: object) -> str:
    return KNOWN_LEVELS.get(str(acr), str(acr or "non précisé"))


def stronger_levels(acr: object, offered: tuple[str, ...]) -> tuple[str, ...]:
    """Empty when nothing stronger is known or offered; `offered` empty means that the gateway does not say."""
    known = list(KNOWN_LEVELS)
    above = known[known.index(str(acr)) + 1 :] if acr in KNOWN_LEVELS else known
    if acr == "urn:passerelle:acr:card":
        above = []  # card and Pro Santé Connect are of one rank
    return tuple(level for level in above if not offered or level in offered)
