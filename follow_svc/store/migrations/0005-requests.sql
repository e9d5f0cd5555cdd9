-- Who asks to follow whom, and since when. A pair is here or in `follows`, never in both.
CREATE TABLE follow_requests (
    follower_id INTEGER NOT NULL,
    followee_id INTEGER NOT NULL,
    requested_ms INTEGER NOT NULL,
    PRIMARY KEY (follower_id, followee_id)
) WITHOUT ROWID;
-- The list of the requests to an account.
CREATE INDEX requests ON follow_requests (followee_id, requested_ms, follower_id);
