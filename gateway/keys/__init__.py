"""Signing keys, purpose keys, envelope encryption and their rotation (sections KEY and CRY)."""
