"""What a home timeline is made of, and the rules that need no server."""

import struct
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

# A timeline's entry: `place ‖ author_id`, big-endian, 16 bytes. Entries order as bytes exactly as they do as numbers, so
# that a sorted set of score 0 can be read by range; a 64-bit id as a score would lose its low bits in a double.
Entry = bytes
ENTRY_SIZE = 16
LOWEST: Entry = b"\x00" * ENTRY_SIZE
_PAIR = struct.Struct(">QQ")

# How many of the newest entries a timeline keeps. What is older is read from the store; hardly anybody scrolls there.
TIMELINE_LENGTH = 500
# The bound of a run that has nothing below it: no entry is lower.
END = b""
# Whose the run of a home timeline is: no author's.
HOME = -1


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
class Window:
    """What a timeline holds below some entry: newest first, and the floor above which nothing is missing.

    A floor of LOWEST means that the timeline goes down to the end of everything.
    """

    entries: Sequence[Entry]
    floor: Entry


def merge(authors: Iterable[Places], limit: int) -> Window:
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
    return Window(entries[:limit], floor)


class LogPosition(NamedTuple):
    """Up to where somebody knows the celebrities' log: which log it is, and the number of the last known change."""

    life: bytes
    seq: int


@dataclass(frozen=True, slots=True)
class HomeWindow(Window):
    """A window of a home timeline. The posts of `pulled` are not all in it: merge those authors' own timelines.

    Of any other followee nothing above the floor is missing, as far as the celebrities' log was known at `position`.
    """

    pulled: Sequence[int]
    position: LogPosition


@dataclass(frozen=True, slots=True)
class Run:
    """A part of somebody's posts, newest first: all that stand from where the run begins down to its bound.

    What is unknown stands below `bound` (17 bytes where that is right above an entry), or nothing does: END.
    """

    author_id: int
    entries: Sequence[Entry]
    bound: bytes

    def without_rest(self) -> "Run":
        """Return the run as if nothing were below it: another one goes on there."""
        return Run(self.author_id, self.entries, END)


def run_of(author_id: int, window: Window, below: Entry | None, limit: int) -> Run:
    """Return the run that a window of at most `limit` entries, read below `below`, is."""
    if len(window.entries) >= limit:
        return Run(author_id, window.entries, window.entries[-1])
    if window.floor == LOWEST:
        return Run(author_id, window.entries, END)
    above_floor = window.floor + b"\x00"  # the floor itself is not in the window
    return Run(author_id, window.entries, above_floor if below is None else min(below, above_floor))


def window_of(places: Places) -> Window:
    """Return the window from the newest that an author's places are."""
    entries = [entry_of(place, places.author_id) for place in places.places]
    return Window(entries, LOWEST) if places.is_all else Window(entries[:-1], entries[-1])


def part_of(run: Run, below: Entry | None, limit: int) -> Run:
    """Return the newest `limit` entries of a run that stand below an entry (None: from where it begins)."""
    if below is None:
        entries, bound = run.entries, run.bound
    else:
        begin = bisect_left(
            run.entries, True, key=below.__gt__
        )  # newest first: those not below it come before the others
        entries, bound = run.entries[begin : begin + limit + 1], min(below, run.bound)
    if len(entries) <= limit:
        return Run(run.author_id, entries, bound)
    return Run(run.author_id, entries[:limit], entries[limit - 1])


@dataclass(frozen=True, slots=True)
class Skeleton:
    """The entries of a page before their cards are known. `is_end` tells that nothing stands below them.

    `is_degraded` tells that a part was down, so that entries may be missing.
    """

    entries: Sequence[Entry]
    is_end: bool
    is_degraded: bool = False


@dataclass(frozen=True, slots=True)
class ModeChange:
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
    changes: Sequence[ModeChange]
    pulled: Sequence[int] | None
