"""The password of the person who looks."""
