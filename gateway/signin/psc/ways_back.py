"""Our doors for those who come back from Pro Santé Connect, as they must be declared there.

Apart from what happens behind them: whoever reads the settings needs their names alone.
"""

CALLBACK = "/signin/psc/callback"
"""After signing in, with the answer."""
RETURN = "/signin/psc/logged-out"
"""After signing out."""
