-- The names of the renditions that better ones took the place of, as a JSON list, set once, when that was tried.
ALTER TABLE media ADD COLUMN replaced_names TEXT;
