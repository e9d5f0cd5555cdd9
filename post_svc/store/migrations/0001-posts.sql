-- Published posts only. The media are kept as they were at publication. (author_id, place) alone answers for places.
CREATE TABLE posts (
    author_id INTEGER NOT NULL,
    place INTEGER NOT NULL,
    post_id INTEGER NOT NULL,
    caption TEXT NOT NULL,
    media BLOB NOT NULL,
    PRIMARY KEY (author_id, place)
);

-- Where a post stands that waited for its media; any other stands at its own id.
CREATE TABLE post_places (
    author_id INTEGER NOT NULL,
    post_id INTEGER NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (author_id, post_id)
) WITHOUT ROWID;

-- Posts that wait. A place is set once, by the first publisher.
CREATE TABLE pending_posts (
    author_id INTEGER NOT NULL,
    post_id INTEGER NOT NULL,
    caption TEXT NOT NULL,
    media_ids TEXT NOT NULL,
    place INTEGER,
    PRIMARY KEY (author_id, post_id)
);

-- A post's id tells when it was made.
CREATE INDEX pending_posts_by_time ON pending_posts (post_id, author_id);

-- Which posts wait for a medium.
CREATE TABLE pending_media (
    media_id TEXT NOT NULL,
    author_id INTEGER NOT NULL,
    post_id INTEGER NOT NULL,
    PRIMARY KEY (media_id, author_id, post_id)
) WITHOUT ROWID;

CREATE INDEX pending_media_by_post ON pending_media (author_id, post_id);

-- What no retry may bring back.
CREATE TABLE deleted_posts (
    author_id INTEGER NOT NULL,
    post_id INTEGER NOT NULL,
    place INTEGER,
    deleted_at INTEGER NOT NULL,
    PRIMARY KEY (author_id, post_id)
) WITHOUT ROWID;

CREATE INDEX deleted_posts_by_time ON deleted_posts (deleted_at);

-- Which post an author's key stands for.
CREATE TABLE idempotency (
    user_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    post_id INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    claimed_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, key)
) WITHOUT ROWID;

CREATE INDEX idempotency_by_time ON idempotency (claimed_at);
