"""Fixtures that the tests of every room may use."""

import pytest

from tests.postgresql_cluster import postgresql_cluster, postgresql_url
from tests.redis_server import patient_stores, redis_cluster_url, redis_url
from tests.spec_report import Collector
from tests.virtual_readers import look_for_readers_here_only, pc_sc, virtual_pcscd

__all__ = [
    "patient_stores",
    "pc_sc",
    "postgresql_cluster",
    "postgresql_url",
    "redis_cluster_url",
    "redis_url",
    "virtual_pcscd",
]


def pytest_configure(config: pytest.Config) -> None:
    look_for_readers_here_only(config)
    config.pluginmanager.register(Collector(), Collector.NAME)
