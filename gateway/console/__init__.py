"""The pages of those who act for others: the référent's team today."""
