-- When the original was taken (local time, and offset from UTC), and whether a video is to be played in a loop.
ALTER TABLE media ADD COLUMN taken_at TEXT NOT NULL DEFAULT '';
ALTER TABLE media ADD COLUMN taken_at_offset TEXT NOT NULL DEFAULT '';
ALTER TABLE media ADD COLUMN is_looping INTEGER NOT NULL DEFAULT 0;
