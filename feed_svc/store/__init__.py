"""Home timelines and cards in Redis, behind ports."""
