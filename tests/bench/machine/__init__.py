"""Campaign "machine": our machine door against oidc-provider and against a bare floor, on one Redis, in one run."""
