"""« Le monde autour »: what a professional has around them, the mailbox, the phone, the clock on the wall."""
