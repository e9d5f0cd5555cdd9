"""Posts and authors' own timelines."""
