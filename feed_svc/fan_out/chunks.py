"""A fan-out over many followers, and the chunks that it is cut into."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

# A chunk takes some 0.2 s on an idle machine: it ends far below the limit of a handler on a slow one, too, and is worth an event.
# What is under way when a worker dies is done again: at most so many pages for each chunk in hand.
PAGES_PER_CHUNK = 5
# How many chunks a worker has in hand: one pushes while another reads its followers. The others' posts want the worker, too.
CHUNKS_AT_ONCE = 2


class Change(Enum):
    """What followers' timelines are told of a post."""

    PUSH = 1
    REMOVE = 2


@dataclass(frozen=True, slots=True)
class PostChange:
    """A post whose followers' timelines must change."""

    author_id: int
    place: int
    change: Change


@dataclass(frozen=True, slots=True)
class FanOutChunk:
    """The followers from a page on, as many as one chunk takes. Chunks of a change are numbered from 1."""

    of: PostChange
    number: int
    page_token: str


@dataclass(frozen=True, slots=True)
class FollowerPage:
    """Some followers of an author. An empty token means that there are no more."""

    viewers: Sequence[int]
    next_token: str


class Chunks(Protocol):
    """The chunks that wait for a worker."""

    async def add(self, chunk: FanOutChunk) -> bool:
        """Leave a chunk to whichever worker comes first. Repeatable: it is done at least once, and lost by no crash.

        Returns False where the chunk of this number was left before, with the page token of then.
        """
        ...
