"""HTTP only, one file per endpoint, file name = endpoint name."""
