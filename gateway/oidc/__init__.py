"""The OpenID Provider that applications talk to."""
