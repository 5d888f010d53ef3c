"""Pro Santé Connect as a way in: the relying party's rules, from the question in the address to a verified assertion."""
