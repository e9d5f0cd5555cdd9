-- What a video can be played in so far, as JSON; empty for a photo. `video_revision` is what a change of it must find.
ALTER TABLE media ADD COLUMN video TEXT NOT NULL DEFAULT '';
ALTER TABLE media ADD COLUMN video_revision INTEGER NOT NULL DEFAULT 0;
-- Percent of a video's processing that is done, as was last noted.
ALTER TABLE media ADD COLUMN progress INTEGER NOT NULL DEFAULT 0;
