"""A client of lensfeed: accounts, uploads, posts and feeds. `Lensfeed` waits, `AsyncLensfeed` is for asyncio."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lensfeed_client.aio import AsyncLensfeed
    from lensfeed_client.errors import LensfeedError, Violation
    from lensfeed_client.file_sessions import FileSessions
    from lensfeed_client.pages import AsyncPages, Pages
    from lensfeed_client.sessions import MemorySessions, Session, Sessions
    from lensfeed_client.sync import Lensfeed

_HOMES = {
    "AsyncLensfeed": "aio",
    "AsyncPages": "pages",
    "FileSessions": "file_sessions",
    "Lensfeed": "sync",
    "LensfeedError": "errors",
    "MemorySessions": "sessions",
    "Pages": "pages",
    "Session": "sessions",
    "Sessions": "sessions",
    "Violation": "errors",
}
"""In which module each name is made. It is imported when the name is first used: `lensfeed --help` waits for no gRPC."""

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
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
