"""The card and the e-CPS that are linked to the account."""
