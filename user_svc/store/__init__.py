"""The store of accounts and sessions: the port and its implementations."""

from user_svc.store.port import UserStore

__all__ = ["UserStore"]
