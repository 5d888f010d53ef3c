"""Fixtures that the tests of every room may use."""

from tests.postgresql_cluster import postgresql_cluster, postgresql_url

__all__ = ["postgresql_cluster", "postgresql_url"]
