-- The last change that took one of a follower's follows out of its home feed: an unfollow, a removal or a mute. No row before the
-- first. Compared for equality only.
CREATE TABLE cuts (
    follower_id INTEGER PRIMARY KEY,
    last_cut INTEGER NOT NULL
);
