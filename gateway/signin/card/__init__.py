"""The CPS card as a way in: from the challenge of a page to a verified assertion, and who the card's holder is (§7.3)."""
