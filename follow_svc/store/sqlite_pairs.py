"""The rows of a pair in SQLite: a follow in `follows` and `followers` with its counts, or a request in `follow_requests`."""

import sqlite3

from follow_svc.errors import RequestsFullError
from follow_svc.model import Follow, FollowCounts, FollowState, bucket_of
from follow_svc.sight import Standing, Visibility
from follow_svc.store.sqlite_stances import standings
from meshkit.ids import new_id


def find_follow(connection: sqlite3.Connection, follower_id: int, followee_id: int) -> Follow | None:
    """Return the follow of a pair."""
    row = connection.execute(
        "SELECT created_ms, muted_ms IS NOT NULL FROM follows WHERE follower_id = ? AND followee_id = ?",
        (follower_id, followee_id),
    ).fetchone()
    return row and Follow(follower_id, followee_id, row[0], bool(row[1]))


def find_request(connection: sqlite3.Connection, follower_id: int, followee_id: int) -> Follow | None:
    """Return the request of a pair."""
    row = connection.execute(
        "SELECT requested_ms FROM follow_requests WHERE follower_id = ? AND followee_id = ?", (follower_id, followee_id)
    ).fetchone()
    return row and Follow(follower_id, followee_id, row[0], state=FollowState.REQUESTED)


def is_private(connection: sqlite3.Connection, user_id: int) -> bool:
    """Return whether an account is private."""
    return standings(connection, [user_id]).get(user_id, Standing()).visibility is Visibility.PRIVATE


def counts(connection: sqlite3.Connection, user_id: int) -> FollowCounts:
    """Return an account's counts."""
    row = connection.execute("SELECT followers, following FROM follow_counts WHERE user_id = ?", (user_id,)).fetchone()
    return FollowCounts(*row) if row else FollowCounts()


def count_of_follower(connection: sqlite3.Connection, user_id: int) -> int:
    """Return how many an account follows or asks to follow."""
    query = "SELECT count(*) FROM follow_requests WHERE follower_id = ?"
    return counts(connection, user_id).following + int(connection.execute(query, (user_id,)).fetchone()[0])


def begin_follow(connection: sqlite3.Connection, follow: Follow, bucket_size: int) -> None:
    """Write and count a follow, in place of a request if there is one."""
    delete_request(connection, follow.follower_id, follow.followee_id)
    bucket = bucket_of(counts(connection, follow.followee_id).followers, bucket_size)
    connection.execute(
        "INSERT INTO follows (follower_id, followee_id, bucket, created_ms) VALUES (?, ?, ?, ?)",
        (follow.follower_id, follow.followee_id, bucket, follow.created_ms),
    )
    connection.execute(
        "INSERT INTO followers (followee_id, bucket, follower_id) VALUES (?, ?, ?)",
        (follow.followee_id, bucket, follow.follower_id),
    )
    _count(connection, follow.follower_id, follow.followee_id, 1)


def begin_request(connection: sqlite3.Connection, request: Follow, max_requests: int) -> None:
    """Write a request. Raises RequestsFullError if the followee has `max_requests`."""
    query = "SELECT count(*) FROM (SELECT 1 FROM follow_requests WHERE followee_id = ? LIMIT ?)"
    if connection.execute(query, (request.followee_id, max_requests)).fetchone()[0] >= max_requests:
        raise RequestsFullError(max_requests)
    connection.execute(
        "INSERT INTO follow_requests (follower_id, followee_id, requested_ms) VALUES (?, ?, ?)",
        (request.follower_id, request.followee_id, request.created_ms),
    )


def delete_follow(connection: sqlite3.Connection, follower_id: int, followee_id: int) -> bool:
    """Delete and uncount a follow, which cuts it from the follower's feed. Returns False if there is none."""
    row = connection.execute(
        "DELETE FROM follows WHERE follower_id = ? AND followee_id = ? RETURNING bucket", (follower_id, followee_id)
    ).fetchone()
    if row is None:
        return False
    connection.execute(
        "DELETE FROM followers WHERE followee_id = ? AND bucket = ? AND follower_id = ?",
        (followee_id, row[0], follower_id),
    )
    _cut(connection, follower_id)
    _count(connection, follower_id, followee_id, -1)
    return True


def delete_request(connection: sqlite3.Connection, follower_id: int, followee_id: int) -> bool:
    """Delete a request. Returns False if there is none."""
    query = "DELETE FROM follow_requests WHERE follower_id = ? AND followee_id = ?"
    return connection.execute(query, (follower_id, followee_id)).rowcount > 0


def set_muted(connection: sqlite3.Connection, follow: Follow, muted_ms: int | None) -> None:
    """Mute a follow since `muted_ms`, or unmute it (None). A mute cuts it from the follower's feed."""
    [bucket] = connection.execute(
        "UPDATE follows SET muted_ms = ? WHERE follower_id = ? AND followee_id = ? RETURNING bucket",
        (muted_ms, follow.follower_id, follow.followee_id),
    ).fetchone()
    connection.execute(
        "UPDATE followers SET is_muted = ? WHERE followee_id = ? AND bucket = ? AND follower_id = ?",
        (muted_ms is not None, follow.followee_id, bucket, follow.follower_id),
    )
    if muted_ms is not None:
        _cut(connection, follow.follower_id)


def _cut(connection: sqlite3.Connection, follower_id: int) -> None:
    """Give a follower a new last cut."""
    connection.execute("INSERT OR REPLACE INTO cuts (follower_id, last_cut) VALUES (?, ?)", (follower_id, new_id()))


def _count(connection: sqlite3.Connection, follower_id: int, followee_id: int, change: int) -> None:
    for user_id, followers, following in ((followee_id, change, 0), (follower_id, 0, change)):
        connection.execute("INSERT OR IGNORE INTO follow_counts (user_id) VALUES (?)", (user_id,))
        connection.execute(
            "UPDATE follow_counts SET followers = followers + ?, following = following + ? WHERE user_id = ?",
            (followers, following, user_id),
        )
