"""`python -m gateway.cli` is the `passerelle` command."""

from gateway.cli import main

main()
