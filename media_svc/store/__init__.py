"""The store of media: its port, and what implements it."""
