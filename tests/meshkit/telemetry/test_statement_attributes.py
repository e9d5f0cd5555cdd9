"""How statements are named in metrics."""

from functools import partial
from pathlib import Path

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from meshkit import sqlite
from meshkit.sqlite import open_database
from meshkit.telemetry.catalog import STATEMENT_DURATION
from meshkit.telemetry.statement_attributes import attributes_of, batch_summary, summary_of


@pytest.mark.parametrize(
    ("cql", "summary"),
    [
        ("SELECT a FROM posts WHERE author_id = ? LIMIT 1", "SELECT posts"),
        ("INSERT INTO follows (a) VALUES (?) IF NOT EXISTS", "INSERT follows"),
        ("UPDATE follow_counts SET n = n + ? WHERE user_id = ?", "UPDATE follow_counts"),
        ("DELETE FROM system.local WHERE key = ?", "DELETE system.local"),
        ("TRUNCATE posts", "TRUNCATE"),
    ],
)
def test_a_statement_is_named_by_its_verb_and_table(cql: str, summary: str) -> None:
    """Values and columns are not part of the name, so there are few names."""
    assert summary_of(cql) == summary


def test_a_batch_is_named_by_its_tables() -> None:
    """The order and the number of its statements do not matter."""
    cql = ("INSERT INTO posts (a) VALUES (?)", "INSERT INTO outbox (a) VALUES (?)", "INSERT INTO posts (b) VALUES (?)")
    assert batch_summary(cql) == batch_summary(reversed(cql)) == "BATCH outbox posts"


def test_only_failed_statements_have_an_error() -> None:
    """The attribute of errors is absent from statements that succeed."""
    assert "error.type" not in attributes_of("cassandra", "lensfeed_post", "SELECT posts")
    assert attributes_of("sqlite", "post", "get", "UnavailableError")["error.type"] == "UnavailableError"


class _Store:
    def __init__(self, database: sqlite.Database) -> None:
        self._database = database

    async def get_one(self) -> object:
        return await self._database.read(lambda connection: connection.execute("SELECT 1").fetchone())


async def test_sqlite_is_measured_by_the_methods_of_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads, writes and failures are counted under the name of the function that contains them."""
    reader = InMemoryMetricReader()
    monkeypatch.setattr(sqlite, "_duration", STATEMENT_DURATION.create(MeterProvider([reader]).get_meter("test")))
    async with open_database(tmp_path / "measured.db") as database:
        await _Store(database).get_one()
        await database.write(partial(_break_at, 2))
        with pytest.raises(ZeroDivisionError):
            await database.write(partial(_break_at, 0))
    data = reader.get_metrics_data()
    assert data is not None
    points = data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points
    # Other tests' databases are read by their sweepers meanwhile.
    recorded = [each.attributes for each in points if each.attributes and each.attributes["db.namespace"] == "measured"]
    found = {(each["db.query.summary"], each.get("error.type")) for each in recorded}
    assert found == {("get_one", None), ("_break_at", None), ("_break_at", "ZeroDivisionError")}


def _break_at(divisor: int, _connection: object) -> float:
    return 1 / divisor
