"""A client for lensfeed: accounts, uploads, posts and feeds. `Lensfeed` is blocking, `AsyncLensfeed` is for asyncio."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lensfeed_client.aio import AsyncLensfeed
    from lensfeed_client.errors import LensfeedError, Violation
    from lensfeed_client.pages import AsyncPages, Pages
    from lensfeed_client.sessions.file_sessions import FileSessions
    from lensfeed_client.sessions.session import MemorySessions, Session, Sessions
    from lensfeed_client.sync import Lensfeed

_MODULES = {
    "AsyncLensfeed": "aio",
    "AsyncPages": "pages",
    "FileSessions": "sessions.file_sessions",
    "Lensfeed": "sync",
    "LensfeedError": "errors",
    "MemorySessions": "sessions.session",
    "Pages": "pages",
    "Session": "sessions.session",
    "Sessions": "sessions.session",
    "Violation": "errors",
}
"""The module that defines each name. Importing on first use keeps `lensfeed --help` fast."""

__all__ = [
    "AsyncLensfeed",
    "AsyncPages",
    "FileSessions",
    "Lensfeed",
    "LensfeedError",
    "MemorySessions",
    "Pages",
    "Session",
    "Sessions",
    "Violation",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
