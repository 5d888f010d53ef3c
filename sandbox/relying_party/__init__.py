"""What the sample applications have in common: an ordinary OpenID Connect client, written by a stranger.

Code flow with PKCE, every check of the answer, sessions of its own, RP-initiated and back-channel logout. How an
application looks and which rights it knows is its own affair.
"""
