-- No event is written into a minute before this one any more.
ALTER TABLE outbox_progress ADD COLUMN sealed_before INTEGER NOT NULL DEFAULT 0;
