-- Two events of one millisecond may have one id: the key takes in a digest of the payload. What stands here already has ids of
-- its own, and 0 for a digest; so has what a process of the version before writes while both run.
CREATE TABLE outbox_with_digest (
    minute INTEGER NOT NULL,
    shard INTEGER NOT NULL,
    event_id INTEGER NOT NULL,
    digest INTEGER NOT NULL DEFAULT 0,
    payload BLOB NOT NULL,
    PRIMARY KEY (minute, shard, event_id, digest)
) WITHOUT ROWID;
INSERT INTO outbox_with_digest (minute, shard, event_id, payload) SELECT minute, shard, event_id, payload FROM outbox;
DROP TABLE outbox;
ALTER TABLE outbox_with_digest RENAME TO outbox;
