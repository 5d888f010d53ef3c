"""An identity proved elsewhere meets an account: signing in with it, and linking it once (section LNK)."""
