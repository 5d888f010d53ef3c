"""The grants: one file each. A grant judges its own request and consumes its own artefact; the rest is token_request's."""
