"""The real servers that tests share. Each starts when the first test needs it."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
import uvloop

from devmesh.parts.bucket import S3
from devmesh.parts.cassandra.cluster import running_cassandra
from devmesh.parts.seaweed import running_seaweed
from devmesh.parts.valkey import running_valkey
from tests.valkey_cluster import ValkeyCluster, running_cluster

# As meshkit does; most modules of tests import grpc before it.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers."""
    config.addinivalue_line("markers", "faults: breaks a cluster on purpose; only `make faults` runs it")
    config.addinivalue_line("markers", "stubs: runs the clients of other languages; only `make test-stubs` runs it")
    config.addinivalue_line("markers", "mesh: starts a whole mesh, which takes seconds")


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run the tests on the loop that the processes run on."""
    return {"uvloop": uvloop.new_event_loop}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Give a real Valkey, one for all tests: use keys of your own, or flush it."""
    async with running_valkey(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def valkey_cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ValkeyCluster]:
    """Give a real cluster of three masters, one for all tests: leave its nodes alive and its slots where they were."""
    async with running_cluster(tmp_path_factory.mktemp("valkey-cluster")) as cluster:
        yield cluster


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def s3(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[S3]:
    """Give a real S3 (SeaweedFS), one for all tests, with its bucket made: use object keys of your own."""
    async with running_seaweed(tmp_path_factory.mktemp("seaweed")) as s3:
        yield s3


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def cassandra(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Give the contact points of a real Cassandra, one node for all tests: use keyspaces of your own.

    LENSFEED_CASSANDRA_CONTACT_POINTS names a cluster that is there already.
    """
    named = os.environ.get("LENSFEED_CASSANDRA_CONTACT_POINTS")
    if named:
        yield named
        return
    async with running_cassandra(tmp_path_factory.mktemp("cassandra"), survives_kill=False) as cluster:
        yield cluster.contact_points
