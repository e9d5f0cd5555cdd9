"""Sets up the driver: routing, retries, consistency, TLS and authentication."""

import logging
import ssl
from typing import Any

from cassandra import ConsistencyLevel, WriteType
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.connection import DefaultEndPoint
from cassandra.io.libevreactor import LibevConnection
from cassandra.policies import (
    ConstantSpeculativeExecutionPolicy,
    DCAwareRoundRobinPolicy,
    ExponentialReconnectionPolicy,
    NoSpeculativeExecutionPolicy,
    RetryPolicy,
    TokenAwarePolicy,
)
from cassandra.query import tuple_factory

from meshkit.cassandra.write_times import WriteTimes
from meshkit.cassandra_settings import CassandraSettings

PROTOCOL_VERSION = 5
CONNECT_TIMEOUT = 3.0
# A node that comes back is used again within 10 s.
RECONNECT_BASE, RECONNECT_MAX = 0.5, 10.0
MAX_RETRIES = 2
# A hung node with open connections is abandoned after at most 2 intervals and the time-out, because idle connections are probed.
# With the driver's default of 30 s every third statement would wait for half a minute.
HEARTBEAT_INTERVAL, HEARTBEAT_TIMEOUT = 2, 4

_Decision = tuple[int, int | None]


class SafeRetries(RetryPolicy):  # type: ignore[misc]  # the driver has no types
    """Retries only idempotent statements, on another node."""

    def on_read_timeout(self, query: Any, consistency: int, *_args: Any, retry_num: int, **_kwargs: Any) -> _Decision:
        """Retry: reads have no effect."""
        return self._elsewhere(query, consistency, retry_num)

    def on_write_timeout(
        self,
        query: Any,
        consistency: int,
        write_type: int,
        required_responses: int,  # noqa: ARG002 - the driver's names
        received_responses: int,
        retry_num: int,
    ) -> _Decision:
        """Retry a write that may have taken effect only if it is idempotent.

        A batch whose log reached only one node is not retried: with three nodes, every coordinator would wait for the same dead
        one.
        """
        if write_type == WriteType.BATCH_LOG and received_responses > 0:
            return (self.RETHROW, None)
        return self._elsewhere(query, consistency, retry_num)

    def on_unavailable(self, query: Any, consistency: int, *_args: Any, retry_num: int, **_kwargs: Any) -> _Decision:
        """Ask another coordinator, which may see more live replicas. Not for claims, which may be near their commit."""
        return self._elsewhere(query, consistency, retry_num)

    def on_request_error(self, query: Any, consistency: int, error: Any, retry_num: int) -> _Decision:  # noqa: ARG002 - the driver's names
        """Leave a coordinator that is overloaded, starting or gone."""
        return self._elsewhere(query, consistency, retry_num)

    def _elsewhere(self, query: Any, consistency: int, retry_num: int) -> _Decision:
        if getattr(query, "is_idempotent", False) and retry_num < MAX_RETRIES:
            return (self.RETRY_NEXT_HOST, consistency)
        return (self.RETHROW, None)


def make_cluster(settings: CassandraSettings) -> Cluster:
    """Create the driver's cluster. Its `connect()` blocks."""
    # The driver logs each lost and regained node at length. The bridge logs one line instead.
    logging.getLogger("cassandra").setLevel(logging.CRITICAL)
    profile = ExecutionProfile(
        load_balancing_policy=TokenAwarePolicy(DCAwareRoundRobinPolicy(settings.cassandra_local_dc)),
        retry_policy=SafeRetries(),
        speculative_execution_policy=_speculation(settings),
        serial_consistency_level=ConsistencyLevel.LOCAL_SERIAL,
        row_factory=tuple_factory,
    )
    return Cluster(
        [DefaultEndPoint(host, port) for host, port in settings.contact_points],
        # Discovered nodes are expected on the same port.
        port=settings.contact_points[0][1],
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
        auth_provider=_authentication(settings),
        ssl_context=_tls(settings),
        ssl_options={"check_hostname": settings.cassandra_tls_check_hostname}
        if settings.cassandra_tls_ca_file
        else None,
        connection_class=LibevConnection,
        protocol_version=PROTOCOL_VERSION,
        connect_timeout=CONNECT_TIMEOUT,
        control_connection_timeout=CONNECT_TIMEOUT,
        reconnection_policy=ExponentialReconnectionPolicy(RECONNECT_BASE, RECONNECT_MAX),
        idle_heartbeat_interval=HEARTBEAT_INTERVAL,
        idle_heartbeat_timeout=HEARTBEAT_TIMEOUT,
        # It would wait for a hung node. If a node does not know a statement, the driver prepares it there on demand.
        prepare_on_all_hosts=False,
        timestamp_generator=WriteTimes(),
        application_name="lensfeed",
    )


def consistency_of(name: str) -> int:
    """Return the driver's number of a consistency level's name."""
    return int(ConsistencyLevel.name_to_value[name.upper()])


def _speculation(settings: CassandraSettings) -> Any:
    if settings.cassandra_speculative_seconds <= 0:
        return NoSpeculativeExecutionPolicy()
    return ConstantSpeculativeExecutionPolicy(settings.cassandra_speculative_seconds, 1)


def _authentication(settings: CassandraSettings) -> Any:
    if settings.cassandra_username is None or settings.cassandra_password is None:
        return None
    return PlainTextAuthProvider(settings.cassandra_username, settings.cassandra_password.get_secret_value())


def _tls(settings: CassandraSettings) -> ssl.SSLContext | None:
    if settings.cassandra_tls_ca_file is None:
        return None
    context = ssl.create_default_context(cafile=settings.cassandra_tls_ca_file)
    context.check_hostname = settings.cassandra_tls_check_hostname
    if settings.cassandra_tls_cert_file is not None:
        context.load_cert_chain(settings.cassandra_tls_cert_file, settings.cassandra_tls_key_file)
    return context
