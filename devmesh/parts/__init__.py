"""The real servers of a mesh: how each is configured, started and checked. Nothing here restarts them; `supervise/` does."""
