"""The graph's store: the port and its implementations."""
