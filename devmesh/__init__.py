"""The `lensfeed` command: a whole mesh on one machine, with real servers."""
