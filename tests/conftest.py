"""Fixtures that the tests of every room may use."""

from tests.postgresql_cluster import postgresql_cluster, postgresql_url
from tests.redis_server import patient_stores, redis_cluster_url, redis_url
from tests.virtual_readers import pc_sc, virtual_pcscd

__all__ = [
    "patient_stores",
    "pc_sc",
    "postgresql_cluster",
    "postgresql_url",
    "redis_cluster_url",
    "redis_url",
    "virtual_pcscd",
]
