"""The parts of a home timeline, and the rules that need no server."""

import struct
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

# A timeline's entry: `place ‖ author_id`, big-endian, 16 bytes. Entries sort as bytes exactly as they do as numbers.
Entry = bytes
ENTRY_SIZE = 16
LOWEST: Entry = b"\x00" * ENTRY_SIZE
_PAIR = struct.Struct(">QQ")

# How many of the newest entries a timeline keeps. Older pages are read from the store; few people scroll that far.
TIMELINE_LENGTH = 500
# The bound of a run with nothing below it. It sorts below every entry.
END = b""
# Stands for the author in the run of a home timeline.
HOME = -1


def entry_of(place: int, author_id: int) -> Entry:
    """Return the entry of a post."""
    return _PAIR.pack(place, author_id)


def place_of(entry: Entry) -> int:
    """Return the place of an entry."""
    return int.from_bytes(entry[:8])


def author_of(entry: Entry) -> int:
    """Return the author of an entry."""
    return int.from_bytes(entry[8:])


@dataclass(frozen=True, slots=True)
class Places:
    """Some of an author's places, newest first. `is_all` means that there are no older ones."""

    author_id: int
    places: Sequence[int]
    is_all: bool


@dataclass(frozen=True, slots=True)
class Window:
    """Entries of a timeline, newest first, and the floor above which nothing is missing.

    A floor of LOWEST means that there are no older entries at all.
    """

    entries: Sequence[Entry]
    floor: Entry


def merge(authors: Iterable[Places], limit: int) -> Window:
    """Merge authors' newest places into the newest `limit` entries.

    If an author has older places that were not read, the oldest place read is the floor, and only entries above it are returned.
    The first entry over the limit is a floor, too.
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
    """How far the celebrities' log is known: which log (its life), and the number of the last known change."""

    life: bytes
    seq: int


class Cuts(NamedTuple):
    """Up to which cut of its viewer's follows a timeline is right, and a newer one that was seen: its id, and first when.

    A *cut* is an unfollow, a removal or a mute. 0 stands for none.
    """

    known: int = 0
    seen: int = 0
    seen_ms: int = 0


class Unleased(NamedTuple):
    """What a read found that has no lease: the timeline's cuts, and the time by the store's clock."""

    cuts: Cuts
    now_ms: int


class HomeWindow(NamedTuple):
    """A window of a home timeline. Posts of the `pulled` authors must be merged from their own timelines.

    Of all other followees nothing above the floor is missing, given the celebrities' log up to `position`. A tuple, because each
    read creates one, and a frozen dataclass takes four times as long to create.
    """

    entries: Sequence[Entry]
    floor: Entry
    pulled: Sequence[int]
    position: LogPosition
    unleased: Unleased | None = None
    """Set if the timeline must be compared with the graph before it is shown."""


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive entries of one author, newest first, with nothing missing down to `bound`.

    Entries below `bound` are unknown; with END there are none. A bound right above an entry is 17 bytes long.
    """

    author_id: int
    entries: Sequence[Entry]
    bound: bytes

    def without_rest(self) -> "Run":
        """Return the run with nothing below it, because another run continues there."""
        return Run(self.author_id, self.entries, END)


def run_of(author_id: int, window: Window | HomeWindow, below: Entry | None, limit: int) -> Run:
    """Return a window of at most `limit` entries, read below `below`, as a run."""
    if len(window.entries) >= limit:
        return Run(author_id, window.entries, window.entries[-1])
    if window.floor == LOWEST:
        return Run(author_id, window.entries, END)
    above_floor = window.floor + b"\x00"  # the floor itself is not in the window
    return Run(author_id, window.entries, above_floor if below is None else min(below, above_floor))


def window_of(places: Places) -> Window:
    """Return an author's newest places as a window."""
    entries = [entry_of(place, places.author_id) for place in places.places]
    return Window(entries, LOWEST) if places.is_all else Window(entries[:-1], entries[-1])


def part_of(run: Run, below: Entry | None, limit: int) -> Run:
    """Return the newest `limit` entries of a run below an entry (None: from its beginning)."""
    if below is None:
        entries, bound = run.entries, run.bound
    else:
        begin = bisect_left(
            run.entries, True, key=below.__gt__
        )  # newest first: entries that are not below it come first
        entries, bound = run.entries[begin : begin + limit + 1], min(below, run.bound)
    if len(entries) <= limit:
        return Run(run.author_id, entries, bound)
    return Run(run.author_id, entries[:limit], entries[limit - 1])


class Skeleton(NamedTuple):
    """The entries of a page before their cards are loaded. `is_end`: there are no older entries.

    `is_degraded`: a part was down, so entries may be missing.
    `is_checked`: every author was followed and not muted, at most two minutes ago. Otherwise private posts must not be shown.
    """

    entries: Sequence[Entry]
    is_end: bool
    is_degraded: bool = False
    is_checked: bool = True


@dataclass(frozen=True, slots=True)
class ModeChange:
    """An author becoming a celebrity or ceasing to be one. Numbers have no gaps; `since_ms` is by the log's clock."""

    seq: int
    author_id: int
    is_pulled: bool
    since_ms: int


@dataclass(frozen=True, slots=True)
class LogUpdate:
    """What is new in the celebrities' log at `now_ms` of its own clock.

    If `pulled` is None, `changes` continue what the reader knows. Otherwise the reader starts over from `pulled` and `changes`.
    """

    life: bytes
    now_ms: int
    changes: Sequence[ModeChange]
    pulled: Sequence[int] | None
