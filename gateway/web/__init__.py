"""The shell that every page shares, and the small types of the machine door. Imports no room."""
