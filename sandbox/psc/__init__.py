"""Pro Santé Connect, played locally: a Keycloak-shaped OpenID Provider on one origin, the wallet where people go on another.

The subset that a sign-in needs: authorization code with PKCE, userinfo, single sign-on, logout. Simulated: no certificate,
no CIBA. It can be told to lie in one thing at a time (`lies`), for relying parties to be tested against.
"""

from sandbox.psc.lies import Lie
from sandbox.psc.options import PscOptions, PscRefusal
from sandbox.psc.quirks import Quirk
from sandbox.psc.running import RunningPsc, running_psc

__all__ = ["Lie", "PscOptions", "PscRefusal", "Quirk", "RunningPsc", "running_psc"]
