"""The driver, set up: routing, retries, consistency, TLS and authentication."""

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
# A node that comes back is used again within seconds.
RECONNECT_BASE, RECONNECT_MAX = 0.5, 10.0
MAX_RETRIES = 2
# A node that hangs with its connections open is left after 2 intervals and the time-out at most: a connection that has brought
# nothing for an interval is asked. The driver's own 30 s would make every third statement wait for half a minute.
HEARTBEAT_INTERVAL, HEARTBEAT_TIMEOUT = 2, 4

_Decision = tuple[int, int | None]


class SafeRetries(RetryPolicy):  # type: ignore[misc]  # the driver has no types
    """Retries on another node, and only what may be sent twice or was certainly not carried out."""

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
        """Repeat a write that may have taken effect only where that changes nothing.

        A batch whose log has one node is not sent again: with three nodes every coordinator would wait for the same dead one.
        """
        if write_type == WriteType.BATCH_LOG and received_responses > 0:
            return (self.RETHROW, None)
        return self._elsewhere(query, consistency, retry_num)

    def on_unavailable(self, query: Any, consistency: int, *_args: Any, retry_num: int, **_kwargs: Any) -> _Decision:
        """Ask another coordinator: it may know of more live replicas. A claim may have come as far as its commit."""
        return self._elsewhere(query, consistency, retry_num)

    def on_request_error(self, query: Any, consistency: int, error: Any, retry_num: int) -> _Decision:  # noqa: ARG002 - the driver's names
        """Leave a coordinator that is overloaded, starting, or gone."""
        return self._elsewhere(query, consistency, retry_num)

    def _elsewhere(self, query: Any, consistency: int, retry_num: int) -> _Decision:
        if getattr(query, "is_idempotent", False) and retry_num < MAX_RETRIES:
            return (self.RETRY_NEXT_HOST, consistency)
        return (self.RETHROW, None)


def make_cluster(settings: CassandraSettings) -> Cluster:
    """Make the driver's cluster; it connects by `connect()`, which blocks."""
    # The driver logs each lost and regained node at length; the bridge says the same in one line.
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
        # Nodes that are found by way of the first are expected on its port.
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
        # It would wait for one that hangs; a node that does not know a statement says so, and the driver prepares it there.
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
