"""The card bridge of the workstation: lets an allowed page ask for one authentication by professional card, no more."""
