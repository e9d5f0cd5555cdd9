"""UserStore in SQLite."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import astuple, fields, replace
from pathlib import Path
from typing import Any

from meshkit.events.outbox import OutboxRecord
from meshkit.events.sqlite_outbox import insert_records
from meshkit.idempotency import Claim
from meshkit.idempotency.sqlite_keys import SqliteKeys
from meshkit.sqlite import Database
from user_svc.model import Account, ProfileChange, User
from user_svc.session import Rotation, Session

MIGRATIONS = Path(__file__).parent / "migrations"
_COLUMNS = [each.name for each in fields(Session)]
_SESSIONS = f"SELECT {', '.join(_COLUMNS)} FROM sessions"  # noqa: S608 - our own columns
_ADD_SESSION = f"INSERT INTO sessions ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608 - as above


class SqliteUserStore:
    """UserStore over one SQLite file."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keys = SqliteKeys(database, "new_user_id")

    async def add_account(self, account: Account) -> bool:
        """Add an account unless its id is taken."""
        return await self._database.write(
            lambda connection: _changed(
                connection,
                "INSERT OR IGNORE INTO users (user_id, handle, display_name, created_at, bio, avatar_media_id, avatar_url,"
                " password_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                *astuple(account.user),
                account.password_hash,
            )
        )

    async def remove_account(self, user_id: int) -> None:
        """Remove an account."""
        await self._database.write(
            lambda connection: _changed(connection, "DELETE FROM users WHERE user_id = ?", user_id)
        )

    async def claim_key(self, user_id: int, key: str, claim: Claim) -> Claim:
        """Bind a key, or return what it is bound to."""
        return await self._keys.claim(user_id, key, claim)

    async def claim_handle(self, handle: str, user_id: int) -> int:
        """Give a handle to an account unless it has an owner. Returns the owner."""

        def claim(connection: sqlite3.Connection) -> int:
            _changed(connection, "INSERT OR IGNORE INTO handles (handle, user_id) VALUES (?, ?)", handle, user_id)
            owner = _handle_owner(connection, handle)
            return user_id if owner is None else owner

        return await self._database.write(claim)

    async def get_handle_owner(self, handle: str) -> int | None:
        """Return the id of the account that owns a handle."""
        return await self._database.read(lambda connection: _handle_owner(connection, handle))

    async def get_account(self, user_id: int) -> Account | None:
        """Return an account with its secret."""

        def read(connection: sqlite3.Connection) -> Account | None:
            row = connection.execute(
                "SELECT user_id, handle, display_name, created_at, bio, avatar_media_id, avatar_url,"
                " password_hash, password_version, kept_session, recovery FROM users WHERE user_id = ?",
                (user_id,),
            ).fetchone()
            if row is None:
                return None
            *profile, password_hash, version, kept_session, recovery = row
            return Account(User(*profile), password_hash, version, kept_session, _recovery(recovery))

        return await self._database.read(read)

    async def get_users(self, user_ids: Sequence[int]) -> Sequence[User]:
        """Return the accounts that exist, in the order of the request."""
        return await self._database.read(
            lambda connection: [
                User(*row)
                for row in connection.execute(
                    "SELECT user_id, handle, display_name, created_at, bio, avatar_media_id, avatar_url"
                    " FROM json_each(?) AS wanted JOIN users ON user_id = wanted.value ORDER BY wanted.key",
                    (json.dumps(list(user_ids)),),
                )
            ]
        )

    async def change_profile(self, user_id: int, change: ProfileChange, records: Sequence[OutboxRecord]) -> None:
        """Change an account, and write `records` with it."""

        def write(connection: sqlite3.Connection) -> None:
            avatar = change.avatar
            connection.execute(
                "UPDATE users SET display_name = ifnull(?, display_name), bio = ifnull(?, bio),"
                " avatar_media_id = ifnull(?, avatar_media_id), avatar_url = ifnull(?, avatar_url) WHERE user_id = ?",
                (change.display_name, change.bio, avatar and avatar.media_id, avatar and avatar.url, user_id),
            )
            insert_records(connection, records)

        await self._database.write(write)

    async def replace_password_hash(self, user_id: int, old: str, new: str) -> None:
        """Replace a hash if it is still `old`."""
        await self._database.write(
            lambda connection: _changed(
                connection,
                "UPDATE users SET password_hash = ? WHERE user_id = ? AND password_hash = ?",
                new,
                user_id,
                old,
            )
        )

    async def replace_credentials(self, old: Account, new: Account) -> bool:
        """Replace hash, version, kept session and recovery codes if hash and codes are those of `old`."""
        return await self._database.write(
            lambda connection: _changed(
                connection,
                "UPDATE users SET password_hash = ?, password_version = ?, kept_session = ?, recovery = ?"
                " WHERE user_id = ? AND password_hash = ? AND recovery = ?",
                new.password_hash,
                new.password_version,
                new.kept_session,
                _recovery_text(new.recovery),
                old.user.user_id,
                old.password_hash,
                _recovery_text(old.recovery),
            )
        )

    async def add_session(self, session: Session) -> None:
        """Add a session, and drop those that have expired."""

        def write(connection: sqlite3.Connection) -> None:
            _changed(connection, "DELETE FROM sessions WHERE expires_at < ?", session.created_at)
            connection.execute(_ADD_SESSION, astuple(session))

        await self._database.write(write)

    async def get_session(self, session_id: str) -> Session | None:
        """Return a session."""

        def read(connection: sqlite3.Connection) -> Session | None:
            row = connection.execute(f"{_SESSIONS} WHERE session_id = ?", (session_id,)).fetchone()
            return None if row is None else _session(row)

        return await self._database.read(read)

    async def list_sessions(self, user_id: int) -> Sequence[Session]:
        """Return an account's sessions that are not revoked."""
        query = f"{_SESSIONS} WHERE user_id = ? AND NOT is_revoked"
        return await self._database.read(
            lambda connection: [_session(row) for row in connection.execute(query, (user_id,))]
        )

    async def get_rotated_session(self, session_id: str) -> Session | None:
        """Return a session."""
        return await self.get_session(session_id)

    async def rotate_session(self, session_id: str, rotation: Rotation) -> bool:
        """Replace the hash of the turn and extend the expiry, if no other call has done so."""
        return await self._database.write(
            lambda connection: _changed(
                connection,
                "UPDATE sessions SET turn_hash = ?, expires_at = ?, last_used_at = ?, previous_turn_hash = ?, turn_salt = ?"
                " WHERE session_id = ? AND turn_hash = ? AND NOT is_revoked",
                rotation.new_turn_hash,
                rotation.expires_at,
                rotation.used_at,
                rotation.old_turn_hash,
                rotation.salt,
                session_id,
                rotation.old_turn_hash,
            )
        )

    async def revoke_session(self, session_id: str) -> None:
        """Revoke a session for good."""
        await self._database.write(
            lambda connection: _changed(
                connection, "UPDATE sessions SET is_revoked = TRUE WHERE session_id = ?", session_id
            )
        )


def _session(row: Sequence[Any]) -> Session:
    session = Session(*row)
    return replace(session, is_revoked=bool(session.is_revoked))


def _recovery(text: str) -> dict[bytes, int]:
    return {bytes.fromhex(code): used_at for code, used_at in json.loads(text).items()}


def _recovery_text(recovery: Mapping[bytes, int]) -> str:
    """Return the codes as they are stored and compared: sorted."""
    return json.dumps({code.hex(): recovery[code] for code in sorted(recovery)})


def _changed(connection: sqlite3.Connection, statement: str, *values: object) -> bool:
    return connection.execute(statement, values).rowcount > 0


def _handle_owner(connection: sqlite3.Connection, handle: str) -> int | None:
    row = connection.execute("SELECT user_id FROM handles WHERE handle = ?", (handle,)).fetchone()
    return None if row is None else int(row[0])
