"""« Suivi », the second sample application: operators follow people up, in structures that often have no FINESS number.

The same ordinary OpenID Connect client as Orientation, with a look and a vocabulary of rights of its own.
"""
