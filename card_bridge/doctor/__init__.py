"""What is wrong on this workstation, in words (`passerelle-bridge doctor`)."""
