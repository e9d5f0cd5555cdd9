"""Cassandra for asyncio: a bridge over the DataStax driver, its settings, migrations and outbox.

A store defines its statements as module constants (`read`, `write`, `claim`) and runs them with `Cassandra.execute` and
`Cassandra.execute_batch`. `open_cassandra` connects in the background. While the cluster is unreachable, a statement fails at
once with UnavailableError.
"""

from meshkit.cassandra.bridge import Cassandra, open_cassandra
from meshkit.cassandra.outbox import CassandraOutbox, kept_events, outbox_steps, records_of, write_with_events
from meshkit.cassandra.statements import Statement, Step, claim, read, serial_read, sure_read, write
from meshkit.cassandra_settings import CassandraSettings
from meshkit.errors import UnknownOutcomeError

__all__ = [
    "Cassandra",
    "CassandraOutbox",
    "CassandraSettings",
    "Statement",
    "Step",
    "UnknownOutcomeError",
    "claim",
    "kept_events",
    "open_cassandra",
    "outbox_steps",
    "read",
    "records_of",
    "serial_read",
    "sure_read",
    "write",
    "write_with_events",
]
