"""The account of the mesh's services in its own Cassandra. All others are disabled."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import stamina

from devmesh.parts.cassandra.node import ClusterShape

if TYPE_CHECKING:
    from cassandra.cluster import Session

USER = "lensfeed"
# The default account of a new Cassandra.
FIRST_USER = FIRST_PASSWORD = "cassandra"  # noqa: S105 - the public default, which this module disables
CONNECT_SECONDS = 5.0
# A node that answers may be too busy for a log-in. Starting it again would take longer.
RETRY_SECONDS = 120.0


async def make_account(shape: ClusterShape, password: str) -> None:
    """Create the account and disable the default one. Repeatable; needs a node that answers.

    Raises OSError if the cluster does not let us in within two minutes.
    """
    async for attempt in stamina.retry_context(on=OSError, attempts=None, timeout=RETRY_SECONDS, wait_max=5.0):
        with attempt:
            await asyncio.to_thread(_make_account, shape, password)


def _make_account(shape: ClusterShape, password: str) -> None:
    from cassandra import DriverException
    from cassandra.cluster import NoHostAvailable

    try:
        if not _can_enter(shape, password):
            with _session(shape, FIRST_USER, FIRST_PASSWORD) as session:
                # With one replica, nobody could log in while its node is down.
                session.execute(f"ALTER KEYSPACE system_auth WITH replication = {shape.replication}")
                session.execute(
                    f"CREATE ROLE IF NOT EXISTS {USER} WITH SUPERUSER = true AND LOGIN = true AND PASSWORD = '{password}'"
                )
        with _session(shape, USER, password) as session:
            session.execute(f"ALTER ROLE {FIRST_USER} WITH SUPERUSER = false AND LOGIN = false")
    except (DriverException, NoHostAvailable) as error:
        raise OSError(f"Cassandra gives no account yet: {error}") from error


def _can_enter(shape: ClusterShape, password: str) -> bool:
    from cassandra import AuthenticationFailed
    from cassandra.cluster import NoHostAvailable

    try:
        with _session(shape, USER, password):
            return True
    except NoHostAvailable as error:
        if any(isinstance(each, AuthenticationFailed) for each in error.errors.values()):
            return False
        raise


@contextlib.contextmanager
def _session(shape: ClusterShape, user: str, password: str) -> "Iterator[Session]":
    # Imported here because it takes half a second.
    from cassandra.auth import PlainTextAuthProvider
    from cassandra.cluster import Cluster

    cluster: Any = Cluster(
        shape.addresses,
        port=shape.native_port,
        auth_provider=PlainTextAuthProvider(user, password),
        connect_timeout=CONNECT_SECONDS,
        protocol_version=5,
    )
    try:
        yield cluster.connect()
    finally:
        cluster.shutdown()
