"""CPS cards played locally: a look-alike IGC-Santé hierarchy, virtual cards at APDU level, readers to put them in.

Written from the card dossier only and made of strangers: imports neither the bridge that reads these cards nor the gateway.
"""
