-- Events, in the transaction of what they tell; a bucket is a minute and a shard.
CREATE TABLE outbox (
    minute INTEGER NOT NULL,
    shard INTEGER NOT NULL,
    event_id INTEGER NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (minute, shard, event_id)
) WITHOUT ROWID;

-- The minute before which every event is done. Nothing can stand before the database was made.
CREATE TABLE outbox_progress (done_before INTEGER NOT NULL);
INSERT INTO outbox_progress VALUES (CAST(strftime('%s', 'now') AS INTEGER) / 60);
