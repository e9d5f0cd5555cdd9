"""Where posts are kept."""

from post_svc.store.port import PostStore

__all__ = ["PostStore"]
