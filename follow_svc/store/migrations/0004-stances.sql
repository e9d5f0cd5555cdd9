-- Who blocks whom, and since when.
CREATE TABLE stances (
    user_id INTEGER NOT NULL,
    other_id INTEGER NOT NULL,
    blocked_ms INTEGER NOT NULL,
    PRIMARY KEY (user_id, other_id)
) WITHOUT ROWID;
-- The list of an account's blocks.
CREATE INDEX blocks ON stances (user_id, blocked_ms, other_id);
-- Who blocks an account.
CREATE INDEX blockers ON stances (other_id, user_id);

-- Accounts that are not public and open.
CREATE TABLE standings (
    user_id INTEGER PRIMARY KEY,
    visibility TEXT NOT NULL CHECK (visibility IN ('public', 'private')),
    is_closed INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL DEFAULT 0
);
