"""What is said to the card: families, commands, files, certificate. Talks to one connection; knows no page and no window."""
