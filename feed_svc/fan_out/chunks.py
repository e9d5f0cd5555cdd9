"""The chunks into which a fan-out to many followers is split."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

# A chunk takes about 0.2 s on an idle machine: worth an event, and far below a handler's limit even on a slow machine. When a
# worker dies, at most this many pages are repeated for each of its chunks.
PAGES_PER_CHUNK = 5
# How many chunks a worker handles at once: one pushes while another reads followers. Other posts need the worker, too.
CHUNKS_AT_ONCE = 2


class Change(Enum):
    """How a post changes its followers' timelines."""

    PUSH = 1
    REMOVE = 2


@dataclass(frozen=True, slots=True)
class PostChange:
    """A change of one post that all followers' timelines must get."""

    author_id: int
    place: int
    change: Change


@dataclass(frozen=True, slots=True)
class FanOutChunk:
    """PAGES_PER_CHUNK pages of followers, from `page_token` on. The chunks of a change are numbered from 1."""

    of: PostChange
    number: int
    page_token: str


@dataclass(frozen=True, slots=True)
class FollowerPage:
    """Some followers of an author. The last page has an empty token."""

    viewers: Sequence[int]
    next_token: str


class Chunks(Protocol):
    """The queue of chunks."""

    async def add(self, chunk: FanOutChunk) -> bool:
        """Queue a chunk for any worker. It is done at least once, whatever crashes. Repeatable.

        Returns False if a chunk with this number was queued before; that one keeps its page token.
        """
        ...
