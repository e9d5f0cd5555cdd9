"""Home feeds: timelines in Redis, filled by fan-out on write, and exact against the store."""
