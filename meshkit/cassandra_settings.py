"""Settings for connecting to Cassandra."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from meshkit.grpc.server import ServerSettings

DEFAULT_PORT = 9042
Replication = dict[str, str | int]
ONE_COPY: Replication = {"class": "SimpleStrategy", "replication_factor": 1}


class CassandraSettings(ServerSettings):
    """The settings under `LENSFEED_CASSANDRA_`."""

    cassandra_contact_points: str = "127.0.0.1"
    """Nodes to connect to first, as host[:port]. Any live node will do: the driver finds the others."""
    cassandra_local_dc: str = "datacenter1"
    """The datacenter whose nodes answer queries."""
    cassandra_keyspace_prefix: str = "lensfeed"
    """Each service has the keyspace PREFIX_SERVICE."""
    cassandra_replication: Replication = Field(default_factory=lambda: dict(ONE_COPY))
    """Replication as in CREATE KEYSPACE. In production: `{"class": "NetworkTopologyStrategy", "<datacenter>": 3}`."""
    cassandra_write_consistency: str = "LOCAL_QUORUM"
    """The consistency of writes and of sure reads, by Cassandra's name."""
    cassandra_read_consistency: str = "LOCAL_ONE"
    """The consistency of other reads, by Cassandra's name."""
    cassandra_max_in_flight: int = 256
    """Statements that one process runs at once."""
    cassandra_speculative_seconds: float = 0.2
    """An idempotent statement that takes longer is also sent to a second node. 0 turns this off."""
    # Above what the nodes themselves take to give up (cas_contention_timeout, write_request_timeout).
    cassandra_claim_seconds: float = 3.0
    """A claim (an LWT) is sent only once. Without an answer after this long, its outcome is read instead."""
    cassandra_username: str | None = None
    """The role to log in as. Goes together with the password."""
    cassandra_password: SecretStr | None = None
    """The role's password. Goes together with the user name."""
    cassandra_tls_ca_file: Path | None = None
    """The certificate authority of the nodes. With it, connections use TLS."""
    cassandra_tls_cert_file: Path | None = None
    """A client certificate. With it and its key, TLS is mutual."""
    cassandra_tls_key_file: Path | None = None
    """The client certificate's key. Goes together with the certificate."""
    cassandra_tls_check_hostname: bool = True
    """Turn this off only if the certificates do not name the nodes' addresses."""

    @model_validator(mode="after")
    def _check_pairs(self) -> Self:
        if (self.cassandra_username is None) != (self.cassandra_password is None):
            raise ValueError("LENSFEED_CASSANDRA_USERNAME and LENSFEED_CASSANDRA_PASSWORD go together")
        if (self.cassandra_tls_cert_file is None) != (self.cassandra_tls_key_file is None):
            raise ValueError("LENSFEED_CASSANDRA_TLS_CERT_FILE and LENSFEED_CASSANDRA_TLS_KEY_FILE go together")
        return self

    @property
    def contact_points(self) -> list[tuple[str, int]]:
        """The contact points as (host, port)."""
        points = [point.strip() for point in self.cassandra_contact_points.split(",") if point.strip()]
        return [_host_and_port(point) for point in points]


def _host_and_port(point: str) -> tuple[str, int]:
    host, colon, port = point.rpartition(":")
    return (host, int(port)) if colon and "]" not in port and port.isdecimal() else (point, DEFAULT_PORT)
