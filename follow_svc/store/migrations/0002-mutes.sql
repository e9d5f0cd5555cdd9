-- Since when the follower has muted the followee; null if it has not.
ALTER TABLE follows ADD COLUMN muted_ms INTEGER;
-- The same seen from the followee.
ALTER TABLE followers ADD COLUMN is_muted INTEGER NOT NULL DEFAULT 0;
-- The list of an account's mutes.
CREATE INDEX mutes ON follows (follower_id, muted_ms, followee_id) WHERE muted_ms IS NOT NULL;
