"""The administrators' command line, one file per noun."""
