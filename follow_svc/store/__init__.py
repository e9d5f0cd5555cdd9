"""The graph's store: its port, and what implements it."""
