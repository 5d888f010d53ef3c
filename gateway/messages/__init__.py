"""Senders of e-mail and SMS, and the texts they send."""
