"""How a service reaches its cluster."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from meshkit.grpc.server import ServerSettings

DEFAULT_PORT = 9042
Replication = dict[str, str | int]
ONE_COPY: Replication = {"class": "SimpleStrategy", "replication_factor": 1}


class CassandraSettings(ServerSettings):
    """The settings under `LENSFEED_CASSANDRA_`. Consistencies are Cassandra's names."""

    # host[:port], separated by commas. Any live node will do: the driver finds the others.
    cassandra_contact_points: str = "127.0.0.1"
    cassandra_local_dc: str = "datacenter1"
    # Each service has the keyspace <prefix>_<service>.
    cassandra_keyspace_prefix: str = "lensfeed"
    # As in CREATE KEYSPACE. Production: {"class": "NetworkTopologyStrategy", "<datacenter>": 3}.
    cassandra_replication: Replication = Field(default_factory=lambda: dict(ONE_COPY))
    cassandra_write_consistency: str = "LOCAL_QUORUM"
    cassandra_read_consistency: str = "LOCAL_ONE"
    cassandra_max_in_flight: int = 256
    # An idempotent statement that takes longer than this is sent to a second node, too; 0 turns that off.
    cassandra_speculative_seconds: float = 0.2
    # A claim, which is sent only once, is given up after this, so that its call has time to read what it has come to. Above
    # what the nodes themselves take to give up (cas_contention_timeout, write_request_timeout).
    cassandra_claim_seconds: float = 3.0
    cassandra_username: str | None = None
    cassandra_password: SecretStr | None = None
    # With a CA file the connection is TLS; with a certificate and key, mutually so.
    cassandra_tls_ca_file: Path | None = None
    cassandra_tls_cert_file: Path | None = None
    cassandra_tls_key_file: Path | None = None
    # Off only where nodes are named by addresses that their certificates do not hold.
    cassandra_tls_check_hostname: bool = True

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
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
