"""What a home timeline is made of, and the rules that need no server."""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# A timeline's entry: `place ‖ author_id`, big-endian, 16 bytes. Entries order as bytes exactly as they do as numbers, so
# that a sorted set of score 0 can be read by range; a 64-bit id as a score would lose its low bits in a double.
Entry = bytes
ENTRY_SIZE = 16
LOWEST: Entry = b"\x00" * ENTRY_SIZE
_PAIR = struct.Struct(">QQ")

# How many of the newest entries a timeline keeps. What is older is read from the store; hardly anybody scrolls there.
TIMELINE_LENGTH = 500
# What a read of the store asks of each author for a rebuild at the least: the largest page of a feed, and one more to tell
# that there is more, and one that becomes the floor.
MIN_PLACES_PER_AUTHOR = 102
MAX_PLACES_PER_AUTHOR = 1_000


def entry_of(place: int, author_id: int) -> Entry:
    """Return the entry of a post: where it stands, and whose it is."""
    return _PAIR.pack(place, author_id)


def place_of(entry: Entry) -> int:
    """Return the place of an entry."""
    return int.from_bytes(entry[:8])


def author_of(entry: Entry) -> int:
    """Return the author of an entry."""
    return int.from_bytes(entry[8:])


@dataclass(frozen=True, slots=True)
class Places:
    """Some of an author's places, newest first. `is_all` tells that there are no older ones."""

    author_id: int
    places: Sequence[int]
    is_all: bool


@dataclass(frozen=True, slots=True)
class Merged:
    """Entries of several authors, newest first, and the floor: nothing that stands above it is missing."""

    entries: Sequence[Entry]
    floor: Entry


def places_wanted(followees: int) -> int:
    """Return how many places of each author a rebuild asks for, so that a timeline is filled from few authors or many."""
    spread = TIMELINE_LENGTH // max(1, followees)
    return min(MAX_PLACES_PER_AUTHOR, max(MIN_PLACES_PER_AUTHOR, spread + 1))


def merge(authors: Iterable[Places], limit: int) -> Merged:
    """Merge authors' newest places into the newest `limit` entries.

    An author of whom older places were left unread bounds what is known: the oldest one read is the floor, and only entries
    above it are returned. So is the first entry over the limit.
    """
    known = list(authors)
    cut_off = [entry_of(each.places[-1], each.author_id) for each in known if not each.is_all and each.places]
    floor = max(cut_off, default=LOWEST)
    entries = sorted((entry_of(place, each.author_id) for each in known for place in each.places), reverse=True)
    entries = [entry for entry in entries if entry > floor]
    if len(entries) > limit:
        floor = entries[limit]
    return Merged(entries[:limit], floor)


@dataclass(frozen=True, slots=True)
class Window:
    """What a timeline holds below some entry: newest first, and the floor above which nothing is missing.

    A floor of LOWEST means that the timeline goes down to the end of everything.
    """

    entries: Sequence[Entry]
    floor: Entry


@dataclass(frozen=True, slots=True)
class Skeleton:
    """The entries of a page before their cards are known. `is_end` tells that nothing stands below them."""

    entries: Sequence[Entry]
    is_end: bool


@dataclass(frozen=True, slots=True)
class Change:
    """An author's crossing of the threshold: the celebrities' log numbers them without gaps. `since_ms` is by the log's clock."""

    seq: int
    author_id: int
    is_pulled: bool
    since_ms: int


@dataclass(frozen=True, slots=True)
class LogNews:
    """What is new in the celebrities' log at `now_ms` of its own clock.

    `pulled` is None where `changes` continue what the reader knows; else the reader begins anew with those who are pulled, and
    with all changes that are kept.
    """

    life: bytes
    now_ms: int
    changes: Sequence[Change]
    pulled: Sequence[int] | None
