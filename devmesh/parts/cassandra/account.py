"""The account by which the services of a mesh enter its own Cassandra. Nobody else can."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from devmesh.parts.cassandra.node import ClusterShape

if TYPE_CHECKING:
    from cassandra.cluster import Session

USER = "lensfeed"
# Every new Cassandra has this one.
FIRST_USER = FIRST_PASSWORD = "cassandra"  # noqa: S105 - it is known to all the world, and this module takes it away
CONNECT_SECONDS = 5.0


async def make_account(shape: ClusterShape, password: str) -> None:
    """Create the account and disable the one that Cassandra comes with. Repeatable; runs once a node answers.

    Raises OSError where the cluster does not let us in yet.
    """
    await asyncio.to_thread(_make_account, shape, password)


def _make_account(shape: ClusterShape, password: str) -> None:
    from cassandra import DriverException
    from cassandra.cluster import NoHostAvailable

    try:
        if not _can_enter(shape, password):
            with _session(shape, FIRST_USER, FIRST_PASSWORD) as session:
                # With one copy, nobody could log in while its node is away.
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
    # Half a second of imports that a mesh on SQLite need not pay.
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
