"""Passkeys (WebAuthn Level 3): signing in, enrolling, activating an account with one (FID-04…FID-10, LIB-03)."""
