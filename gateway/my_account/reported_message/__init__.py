"""/compte/signalement: saying that a message came unasked."""
