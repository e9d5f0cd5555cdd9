-- The media whose bytes are counted, and their sum for each owner.
CREATE TABLE stored_bytes (
    owner_id INTEGER NOT NULL,
    media_id INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    PRIMARY KEY (owner_id, media_id)
) WITHOUT ROWID;

CREATE TABLE used_bytes (
    owner_id INTEGER PRIMARY KEY,
    used_bytes INTEGER NOT NULL
);

INSERT INTO stored_bytes (owner_id, media_id, size_bytes)
SELECT owner_id, media_id, size_bytes FROM media WHERE state <> 'REMOVED' AND NOT (state = 'REJECTED' AND etag = '');

INSERT INTO used_bytes (owner_id, used_bytes) SELECT owner_id, sum(size_bytes) FROM stored_bytes GROUP BY owner_id;
