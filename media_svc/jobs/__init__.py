"""Queues of long jobs in Redis, and their worker. The jobs themselves are in `photos/` and `videos/`."""
