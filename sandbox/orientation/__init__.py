"""« Orientation », a sample application written by a stranger: an ordinary OpenID Connect client and nothing more.

It sends people towards places in establishments for disabled people; here it only shows which rights it received
from the gateway, and why.
"""
