"""The registered applications (OAuth clients): files reviewed by people, secrets kept elsewhere (DECISIONS 9)."""
