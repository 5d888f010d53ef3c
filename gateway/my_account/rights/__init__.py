"""The habilitations of the person who looks, and their référents."""
