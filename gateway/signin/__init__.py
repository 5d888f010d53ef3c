"""What a professional goes through to prove who they are."""
