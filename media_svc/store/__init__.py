"""The store of media: its port and its implementations."""
