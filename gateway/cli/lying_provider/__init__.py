"""An OpenID Provider that lies one way at a time, to see which check an application forgot (`passerelle test-client`).

It stands alone: no account, no store, a key of the moment. Nothing that serves people imports it.
"""
