-- Which published posts show a medium.
CREATE TABLE posts_by_medium (
    media_id TEXT NOT NULL,
    author_id INTEGER NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (media_id, author_id, place)
) WITHOUT ROWID;

CREATE INDEX posts_by_medium_by_post ON posts_by_medium (author_id, place);

-- How far the posts of former versions were added to it.
CREATE TABLE media_index_progress (id INTEGER PRIMARY KEY, began_ms INTEGER NOT NULL, position INTEGER, is_done INTEGER NOT NULL);
