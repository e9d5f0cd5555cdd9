"""Queues of long jobs in Redis, and the worker that takes from them. What a job does is in `photos/` and `videos/`."""
