-- `recovery` maps the SHA-256 of each recovery code to when it was used, in seconds since 1970; 0: not yet.
ALTER TABLE users ADD COLUMN password_version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN kept_session TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN recovery TEXT NOT NULL DEFAULT '{}';

ALTER TABLE sessions ADD COLUMN password_version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN last_used_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN device TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN network TEXT NOT NULL DEFAULT '';

CREATE INDEX sessions_by_user ON sessions (user_id);
