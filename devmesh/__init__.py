"""The `lensfeed` command: the whole mesh on one machine, with the real servers."""
