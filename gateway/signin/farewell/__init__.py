"""What the person is told after a logout."""
