"""Who people are: accounts, identifiers, contacts, credentials, one-time links, trusted devices."""
