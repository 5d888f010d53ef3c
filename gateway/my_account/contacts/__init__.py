"""The contacts of the person who looks, and their changes."""
