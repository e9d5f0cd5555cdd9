-- Which medium an owner's idempotency key stands for.
CREATE TABLE idempotency (
    user_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    media_id INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    claimed_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, key)
) WITHOUT ROWID;

CREATE INDEX idempotency_by_time ON idempotency (claimed_at);
