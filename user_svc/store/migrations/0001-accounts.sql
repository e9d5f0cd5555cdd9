-- Times are milliseconds since 1970 for accounts, seconds for sessions. Every account is made before its handle is claimed.
CREATE TABLE users (
    user_id INTEGER PRIMARY KEY,
    handle TEXT NOT NULL,
    display_name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    bio TEXT NOT NULL,
    avatar_media_id TEXT NOT NULL,
    avatar_url TEXT NOT NULL,
    password_hash TEXT NOT NULL
);

CREATE TABLE handles (
    handle TEXT PRIMARY KEY,
    user_id INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE sessions (
    session_id TEXT PRIMARY KEY,
    user_id INTEGER NOT NULL,
    family_hash BLOB NOT NULL,
    turn_hash BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    is_revoked INTEGER NOT NULL
) WITHOUT ROWID;

-- What a TTL does elsewhere: expired sessions are found and dropped.
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
