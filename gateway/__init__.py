"""Passerelle: the identity and authentication gateway of health and medico-social platforms."""

__version__ = "0.1.0"
