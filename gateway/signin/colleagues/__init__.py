"""What a référent does for a colleague, and the sheet of paper that the colleague comes back with."""
