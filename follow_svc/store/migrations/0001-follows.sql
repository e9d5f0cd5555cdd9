-- Who an account follows. `bucket` is where the pair stands in `followers`.
CREATE TABLE follows (
    follower_id INTEGER NOT NULL,
    followee_id INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (follower_id, followee_id)
) WITHOUT ROWID;

-- Who follows an account, in buckets by how many followed it when the follower came.
CREATE TABLE followers (
    followee_id INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    follower_id INTEGER NOT NULL,
    PRIMARY KEY (followee_id, bucket, follower_id)
) WITHOUT ROWID;

-- How many both are.
CREATE TABLE follow_counts (
    user_id INTEGER PRIMARY KEY,
    followers INTEGER NOT NULL DEFAULT 0 CHECK (followers >= 0),
    following INTEGER NOT NULL DEFAULT 0 CHECK (following >= 0)
);
