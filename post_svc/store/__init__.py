"""The store of posts: the port and its implementations."""

from post_svc.store.port import PostStore

__all__ = ["PostStore"]
