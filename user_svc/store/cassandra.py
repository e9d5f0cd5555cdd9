"""UserStore in Cassandra. Sessions are in cassandra_sessions.py.

An LWT gets its write time from the coordinator's clock, a plain write from the client's. If both wrote one cell, a later write
with an earlier time would be lost. So each column follows one of two rules:

- Only LWTs create and delete an account's row and change handle, created_at and password_hash. Paxos orders them.
- The profile (display_name, bio, avatar) is created with the row. Changes are plain writes, because they share a logged batch
  with their events, which LWTs cannot. Each write has a time above that of every profile cell, which it has just read. So of
  two consecutive changes the second one wins, whatever the clocks say. Of two concurrent ones either may win, cell by cell.
"""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cassandra.query import UNSET_VALUE

from meshkit.cassandra import (
    Cassandra,
    UnknownOutcomeError,
    claim,
    read,
    serial_read,
    sure_read,
    write,
    write_with_events,
)
from meshkit.events.outbox import OutboxRecord
from meshkit.idempotency import Claim
from meshkit.idempotency.cassandra_keys import CassandraKeys, key_statements
from user_svc.model import Account, ProfileChange, User
from user_svc.store.cassandra_sessions import CassandraSessions

MIGRATIONS = Path(__file__).parent / "migrations"
_READ_KEY, _BIND_KEY = key_statements("new_user_id")

_ADD = claim(
    "INSERT INTO users (user_id, handle, created_at, password_hash, display_name, bio, avatar)"
    " VALUES (?, ?, ?, ?, ?, ?, ?) IF NOT EXISTS"
)
_REMOVE = claim("DELETE FROM users WHERE user_id = ? IF EXISTS")
_REPLACE_HASH = claim("UPDATE users SET password_hash = ? WHERE user_id = ? IF password_hash = ?")
_HASH = serial_read("SELECT password_hash FROM users WHERE user_id = ? LIMIT 1")
_USER = "SELECT user_id, handle, display_name, created_at, bio, avatar FROM users WHERE user_id = ? LIMIT 1"
_GET_USER, _GET_USER_AT_QUORUM = read(_USER), sure_read(_USER)
_GET_ACCOUNT = sure_read(
    "SELECT user_id, handle, display_name, created_at, bio, avatar, password_hash, password_version,"
    " kept_session, recovery FROM users WHERE user_id = ? LIMIT 1"
)
_REPLACE_CREDENTIALS = claim(
    "UPDATE users SET password_hash = ?, password_version = ?, kept_session = ?, recovery = ?"
    " WHERE user_id = ? IF password_hash = ? AND recovery = ?"
)
_CREDENTIALS = serial_read("SELECT password_hash, recovery FROM users WHERE user_id = ? LIMIT 1")
_PROFILE_TIMES = sure_read(
    "SELECT WRITETIME(display_name), WRITETIME(bio), WRITETIME(avatar) FROM users WHERE user_id = ? LIMIT 1"
)
_CHANGE_PROFILE = write("UPDATE users USING TIMESTAMP ? SET display_name = ?, bio = ?, avatar = ? WHERE user_id = ?")

_CLAIM_HANDLE = claim("INSERT INTO handles (handle, user_id) VALUES (?, ?) IF NOT EXISTS")
_HANDLE = "SELECT user_id FROM handles WHERE handle = ? LIMIT 1"
_DECIDED_OWNER, _OWNER = serial_read(_HANDLE), sure_read(_HANDLE)


class CassandraUserStore(CassandraSessions):
    """UserStore over its own keyspace."""

    def __init__(self, cassandra: Cassandra) -> None:
        super().__init__(cassandra)
        self._cassandra = cassandra
        self._keys = CassandraKeys(cassandra, _READ_KEY, _BIND_KEY)

    async def add_account(self, account: Account) -> bool:
        """Add an account unless its id is taken. Hashes are salted, so the hash tells whose row it is."""
        user = account.user
        values = (user.display_name, user.bio, (user.avatar_media_id, user.avatar_url))
        try:
            rows = await self._cassandra.execute(
                _ADD, user.user_id, user.handle, user.created_at, account.password_hash, *values
            )
        except UnknownOutcomeError:
            rows = await self._cassandra.execute(_HASH, user.user_id)
            if not rows:
                raise
            return bool(rows[0][0] == account.password_hash)
        is_applied, *found = rows[0]
        return is_applied or account.password_hash in found

    async def remove_account(self, user_id: int) -> None:
        """Remove an account."""
        await self._cassandra.execute(_REMOVE, user_id)

    async def claim_key(self, user_id: int, key: str, claim: Claim) -> Claim:
        """Bind a key, or return what it is bound to."""
        return await self._keys.claim(user_id, key, claim)

    async def claim_handle(self, handle: str, user_id: int) -> int:
        """Give a handle to an account unless it has an owner. Returns the owner."""
        try:
            rows = await self._cassandra.execute(_CLAIM_HANDLE, handle, user_id)
        except UnknownOutcomeError:
            # The read completes an accepted claim. If it finds no owner, the claim may still be in progress.
            owners = await self._cassandra.execute(_DECIDED_OWNER, handle)
            if not owners:
                raise
            return int(owners[0][0])
        is_applied, *existing = rows[0]
        return user_id if is_applied else int(existing[-1])

    async def get_handle_owner(self, handle: str) -> int | None:
        """Return the owner of a handle. Reads at quorum, because people log in right after signing up."""
        rows = await self._cassandra.execute(_OWNER, handle)
        return int(rows[0][0]) if rows else None

    async def get_account(self, user_id: int) -> Account | None:
        """Return an account with its secret. Reads at quorum, like `get_handle_owner`."""
        rows = await self._cassandra.execute(_GET_ACCOUNT, user_id)
        if not rows or None in rows[0][:7]:
            return None
        *values, password_hash, version, kept_session, recovery = rows[0]
        return Account(_user(values), password_hash, version or 0, kept_session or "", dict(recovery or {}))

    async def get_users(self, user_ids: Sequence[int]) -> Sequence[User]:
        """Return the accounts that exist, in the order of the request. Reads each id once, all at the same time."""
        wanted = list(dict.fromkeys(user_ids))
        found = dict(zip(wanted, await asyncio.gather(*map(self._get_user, wanted)), strict=True))
        return [user for user_id in user_ids if (user := found[user_id]) is not None]

    async def _get_user(self, user_id: int) -> User | None:
        """Return an account. One replica may confirm that it exists; only a quorum that it does not.

        A replica that lags may have a changed profile and nothing else: such a row counts as absent.
        """
        for statement in (_GET_USER, _GET_USER_AT_QUORUM):
            for row in await self._cassandra.execute(statement, user_id):
                if None not in row:
                    return _user(row)
        return None

    async def change_profile(self, user_id: int, change: ProfileChange, records: Sequence[OutboxRecord]) -> None:
        """Change an account, and write `records` with it."""
        times = await self._cassandra.execute(_PROFILE_TIMES, user_id)
        newest = max((each for row in times for each in row if each is not None), default=0)
        avatar = change.avatar
        values = (change.display_name, change.bio, None if avatar is None else (avatar.media_id, avatar.url))
        step = (_CHANGE_PROFILE, (max(_now_micros(), newest + 1), *map(_unset_if_none, values), user_id))
        # An UPDATE would create a missing row.
        steps = [step] if times else []
        await write_with_events(self._cassandra, steps, records)

    async def replace_password_hash(self, user_id: int, old: str, new: str) -> None:
        """Replace a hash if it is still `old`."""
        await self._cassandra.execute(_REPLACE_HASH, new, user_id, old)

    async def replace_credentials(self, old: Account, new: Account) -> bool:
        """Replace hash, version, kept session and recovery codes if hash and codes are those of `old`."""
        user_id = old.user.user_id
        values = (new.password_hash, new.password_version, new.kept_session, new.recovery or None)
        try:
            rows = await self._cassandra.execute(
                _REPLACE_CREDENTIALS, *values, user_id, old.password_hash, old.recovery or None
            )
        except UnknownOutcomeError:
            pass
        else:
            if rows[0][0]:
                return True
        # A coordinator repeats a transaction that it lost track of, and then reports that it was not applied.
        rows = await self._cassandra.execute(_CREDENTIALS, user_id)
        return [(each, dict(codes or {})) for each, codes in rows] == [(new.password_hash, dict(new.recovery))]


def _user(row: Sequence[Any]) -> User:
    user_id, handle, display_name, created_at, bio, (avatar_media_id, avatar_url) = row
    return User(user_id, handle, display_name, created_at, bio, avatar_media_id, avatar_url)


def _now_micros() -> int:
    return time.time_ns() // 1_000


def _unset_if_none(value: object) -> object:
    """Leave a cell unchanged; None would delete it."""
    return UNSET_VALUE if value is None else value
