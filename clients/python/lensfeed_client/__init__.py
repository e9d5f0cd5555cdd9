"""A client of lensfeed: accounts, uploads, posts and feeds. `Lensfeed` waits, `AsyncLensfeed` is for asyncio."""

from lensfeed_client.aio import AsyncLensfeed
from lensfeed_client.errors import LensfeedError, Violation
from lensfeed_client.file_sessions import FileSessions
from lensfeed_client.pages import AsyncPages, Pages
from lensfeed_client.sessions import MemorySessions, Session, Sessions
from lensfeed_client.sync import Lensfeed

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
