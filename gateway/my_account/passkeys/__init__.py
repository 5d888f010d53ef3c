"""Passkeys, on the account's pages."""
