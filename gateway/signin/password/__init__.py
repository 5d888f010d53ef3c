"""Sign-in with an identifier and a password: rules and pages."""
