"""The bridge's own window: the one place where the code porteur is typed (BRG-10, BRG-11)."""
