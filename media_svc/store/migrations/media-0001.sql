-- Media. The id and its owner's together are the public id. `renditions` is a JSON list, narrowest first.
CREATE TABLE media (
    media_id INTEGER NOT NULL,
    owner_id INTEGER NOT NULL,
    state TEXT NOT NULL,
    kind TEXT NOT NULL,
    content_type TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    alt_text TEXT NOT NULL,
    upload_id TEXT NOT NULL,
    etag TEXT NOT NULL,
    uploaded_ms INTEGER NOT NULL,
    failure_reason TEXT,
    failure_message TEXT,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    thumbhash BLOB NOT NULL,
    renditions TEXT NOT NULL,
    PRIMARY KEY (media_id, owner_id)
) WITHOUT ROWID;

-- When to look at uploads; a bucket is a minute and a shard.
CREATE TABLE uploads_by_minute (
    minute INTEGER NOT NULL,
    shard INTEGER NOT NULL,
    media_id INTEGER NOT NULL,
    owner_id INTEGER NOT NULL,
    PRIMARY KEY (minute, shard, media_id, owner_id)
) WITHOUT ROWID;

-- The minute before which every upload was looked at. Nothing can stand before the database was made.
CREATE TABLE uploads_progress (done_before INTEGER NOT NULL);
INSERT INTO uploads_progress VALUES (CAST(strftime('%s', 'now') AS INTEGER) / 60);
