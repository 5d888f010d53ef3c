"""The version that pages, logs and the help desk see."""

VERSION = "0.1.0"
PROTOCOL = "cps-bridge:1"
