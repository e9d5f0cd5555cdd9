"""Clocks and expiry in the Cassandra store."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from meshkit.cassandra import Cassandra, open_cassandra, read, write
from meshkit.cassandra.outbox import MIGRATIONS as OUTBOX_MIGRATIONS
from tests.store_kinds import STORE_KINDS
from tests.user_svc import user_stores
from tests.user_svc.user_stores import rotation
from user_svc.model import Account, ProfileChange, User
from user_svc.session import Session
from user_svc.store.cassandra import MIGRATIONS, CassandraUserStore
from user_svc.store.cassandra_sessions import MAX_TTL_SECONDS, TTL_SLACK_SECONDS

pytestmark = pytest.mark.skipif("cassandra" not in STORE_KINDS, reason="no cluster is there to be tested")

ADA = User(7, "ada", "Ada", created_at=1_700_000_000_123, bio="hello")
HOUR_AHEAD_MICROS = 3_600 * 1_000_000
_WRITE_FROM_AHEAD = write("UPDATE users USING TIMESTAMP ? SET bio = ? WHERE user_id = ?")
_TTLS = read(
    "SELECT TTL(user_id), TTL(family_hash), TTL(turn_hash), TTL(created_at), TTL(expires_at), TTL(is_revoked)"
    " FROM sessions WHERE session_id = ? LIMIT 1"
)
_DROP_REVOCATION = write("DELETE is_revoked FROM sessions WHERE session_id = ?")
_ONLY_BIO = write("UPDATE users SET bio = 'part' WHERE user_id = ?")
_DROP_OWNER = write("DELETE user_id FROM sessions WHERE session_id = ?")


@pytest.fixture(scope="module")
async def open_keyspace(cassandra: str) -> AsyncIterator[Cassandra]:
    """Open the keyspace of the stores that tests open directly."""
    settings = user_stores.store_settings(cassandra, Path())
    async with open_cassandra(settings, "user", MIGRATIONS, OUTBOX_MIGRATIONS) as keyspace:
        await user_stores.until_it_answers(keyspace.check)
        yield keyspace


@pytest.fixture
async def cluster(open_keyspace: Cassandra) -> Cassandra:
    """Return that keyspace, empty."""
    await user_stores.empty(open_keyspace)
    return open_keyspace


@pytest.fixture
def store(cluster: Cassandra) -> CassandraUserStore:
    """Return its store."""
    return CassandraUserStore(cluster)


def session_for(seconds: int) -> Session:
    """Return a session that expires in so many seconds."""
    now = int(time.time())
    return Session("s-1", 7, b"family", b"turn", created_at=now, expires_at=now + seconds)


async def test_change_stands_above_a_clock_that_is_ahead(store: CassandraUserStore, cluster: Cassandra) -> None:
    """A change is not lost to one from a process whose clock is an hour ahead, nor is the next one."""
    await store.add_account(Account(ADA, "hash"))
    ahead = time.time_ns() // 1_000 + HOUR_AHEAD_MICROS
    await cluster.execute(_WRITE_FROM_AHEAD, ahead, "from ahead", 7)
    assert await store.get_users([7]) == [replace(ADA, bio="from ahead")]
    for bio in ("later", "latest"):
        await store.change_profile(7, ProfileChange(bio=bio), [])
        assert await store.get_users([7]) == [replace(ADA, bio=bio)]


async def test_session_goes_with_its_expiry(store: CassandraUserStore, cluster: Cassandra) -> None:
    """Every cell of a session expires with it: when added, after a rotation, and once revoked."""
    await store.add_session(session_for(1_000))
    await assert_all_live_for(1_000, cluster)
    assert await store.rotate_session("s-1", rotation(b"turn", b"next", int(time.time()) + 9_000))
    await assert_all_live_for(9_000, cluster)
    await store.revoke_session("s-1")
    await assert_all_live_for(9_000, cluster)


async def assert_all_live_for(seconds: int, cluster: Cassandra) -> None:
    """Fail unless each cell lives for this long plus the slack, give or take a minute."""
    (lives,) = await cluster.execute(_TTLS, "s-1")
    upper = seconds + TTL_SLACK_SECONDS
    assert len(lives) == 6
    assert all(upper - 60 <= each <= upper for each in lives), lives


async def test_session_of_a_lifetime(store: CassandraUserStore, cluster: Cassandra) -> None:
    """A session that exceeds Cassandra's longest TTL is kept for as long as possible."""
    await store.add_session(session_for(2 * MAX_TTL_SECONDS))
    (lives,) = await cluster.execute(_TTLS, "s-1")
    assert MAX_TTL_SECONDS - 60 <= lives[0] <= MAX_TTL_SECONDS


async def test_session_without_its_revocation_is_revoked(store: CassandraUserStore, cluster: Cassandra) -> None:
    """A session whose revocation cell has expired first stays revoked."""
    await store.add_session(session_for(1_000))
    await cluster.execute(_DROP_REVOCATION, "s-1")
    session = await store.get_session("s-1")
    assert session is not None
    assert session.is_revoked
    assert not await store.rotate_session("s-1", rotation(b"turn", b"next", session.expires_at))


async def test_remains_of_a_session_are_none(store: CassandraUserStore, cluster: Cassandra) -> None:
    """A row with some cells expired is no session."""
    await store.add_session(session_for(1_000))
    await cluster.execute(_DROP_OWNER, "s-1")
    assert await store.get_session("s-1") is None
    assert not await store.rotate_session("s-1", rotation(b"turn", b"next", int(time.time()) + 1_000))


async def test_an_account_of_which_a_replica_has_only_a_part_is_absent(
    store: CassandraUserStore, cluster: Cassandra
) -> None:
    """A row with a changed profile and nothing else is no account, and breaks no read."""
    await store.add_account(Account(ADA, "hash"))
    await cluster.execute(_ONLY_BIO, 8)
    assert await store.get_users([7, 8]) == [ADA]
    assert await store.get_account(8) is None
