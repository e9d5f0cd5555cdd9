"""Where accounts and sessions are kept."""

from user_svc.store.port import UserStore

__all__ = ["UserStore"]
