-- Which account a sign-up's idempotency key stands for. `user_id` is 0: those who sign up have no account yet.
CREATE TABLE idempotency (
    user_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    new_user_id INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    claimed_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, key)
) WITHOUT ROWID;

CREATE INDEX idempotency_by_time ON idempotency (claimed_at);

-- The last refresh of a session, so that a repeat of it can be answered with the same tokens.
ALTER TABLE sessions ADD COLUMN previous_turn_hash BLOB NOT NULL DEFAULT x'';
ALTER TABLE sessions ADD COLUMN turn_salt BLOB NOT NULL DEFAULT x'';
