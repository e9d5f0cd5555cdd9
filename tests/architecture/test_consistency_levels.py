"""Which statements may believe one replica, which may lag."""

from docs.generate.statements import statements
from meshkit.cassandra.statements import Kind

SHOWN = {
    "meshkit.cassandra.bridge._CHECK",
    "meshkit.cassandra.outbox._PROGRESS",
    "post_svc.store.cassandra_timelines._AT_PLACES",
    "post_svc.store.cassandra_timelines._LIST",
    "user_svc.store.cassandra._GET_USER",
}
"""Reads whose answers are only shown, or do no harm when they are old. docs/cassandra-statements.md has the reasons."""


def test_only_what_is_shown_is_read_from_one_replica() -> None:
    """Every other statement reads at quorum or serially. A replica that lags must not decide anything."""
    assert {name for name, statement in statements() if statement.kind is Kind.READ} <= SHOWN


def test_the_statements_of_every_store_are_found() -> None:
    """The list covers the stores of all services."""
    found = {name.split(".")[0] for name, _ in statements()}
    assert found == {"meshkit", "user_svc", "follow_svc", "post_svc", "media_svc"}
