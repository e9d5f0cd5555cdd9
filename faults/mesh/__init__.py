"""A mesh whose parts are killed, paused, stopped and started by name."""
