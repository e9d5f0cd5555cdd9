"""Sample people and pictures for `lensfeed seed`. Test data is in `tests/`."""
