"""A real Redis server for tests: Debian's binary, a free port, data in a temporary folder, stopped by its process.

`redis_cluster_url` is one node in Cluster mode that owns every slot: it refuses any step whose keys are in several slots.
"""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest
import redis


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def running_redis(folder: Path, *options: str) -> Iterator[str]:
    """The address of a server that runs until the block ends."""
    binary = shutil.which("redis-server")
    if binary is None:
        absent = "the Redis server is missing (Debian package redis-server)"
        if os.environ.get("CI") == "true":
            pytest.fail(absent)
        pytest.skip(absent)
    for _ in range(5):
        port = free_port()
        process = subprocess.Popen(
            [binary, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if "Ready to accept connections" in line:
                break
        else:  # it ended: another process took the port meanwhile, or it says why below
            process.wait()
            process.stdout.close()
            continue
        try:
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()
            process.communicate()
        return
    pytest.fail("".join(said))


@pytest.fixture(scope="session")
def patient_stores() -> Iterator[None]:
    """Stores that this process opens wait longer than the product's: a busy machine is no server that keeps silent."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.storage.ephemeral.store.REDIS_TIMEOUT_SECONDS", 10.0)
        yield


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory, patient_stores: None) -> Iterator[str]:
    with running_redis(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(scope="session")
def redis_cluster_url(tmp_path_factory: pytest.TempPathFactory, patient_stores: None) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("redis-cluster")
    with running_redis(folder, "--cluster-enabled", "yes", "--cluster-port", str(free_port())) as url:
        with redis.Redis.from_url(url, protocol=2) as node:
            node.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
            while node.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
                Event().wait(0.02)  # a node refuses writes for its first two seconds
        yield url
