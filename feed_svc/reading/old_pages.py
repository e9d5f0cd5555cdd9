"""Limits how many authors one viewer's old pages may read: their work grows with how many accounts the viewer follows.

A page above the floor costs the same for everyone, and the edge's price of one point fits it. A page below the floor asks for
posts of every followee, which takes up to a hundred times as long. Each process counts by itself: its own time is at stake.
"""

import time
from collections import OrderedDict
from collections.abc import Callable

from meshkit.errors import ResourceExhaustedError

# An author takes some 15 us. So a viewer who never stops takes 3 % of a core, as with first pages at the edge's limit.
AUTHORS_PER_SECOND = 2_000
# Twenty pages at once of who follows the most (7,500).
BURST = 150_000
# An author whose posts are read from post_svc costs so much more than one whose timeline is cached.
STORED_PRICE = 3
MOST_VIEWERS = 100_000


class OldPages:
    """Remembers until when each viewer's reads are paid, most recent readers last."""

    def __init__(
        self,
        per_second: float = AUTHORS_PER_SECOND,
        burst: float = BURST,
        most_viewers: int = MOST_VIEWERS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_second = per_second
        self._burst_seconds = burst / per_second
        self._most_viewers = most_viewers
        self._clock = clock
        self._paid_until: OrderedDict[int, float] = OrderedDict()

    def begin(self, viewer: int, authors: int) -> None:
        """Count the authors of a read that begins. Raises ResourceExhaustedError (RATE_LIMITED) if there were too many."""
        early = self._paid_until.get(viewer, 0.0) - self._clock() - self._burst_seconds
        if early > 0:
            raise ResourceExhaustedError("RATE_LIMITED", "too many old pages; read them more slowly", retry_after=early)
        self.add(viewer, authors)

    def add(self, viewer: int, authors: int) -> None:
        """Count authors of a read that is under way."""
        now = self._clock()
        self._paid_until[viewer] = max(now, self._paid_until.get(viewer, 0.0)) + authors / self._per_second
        self._paid_until.move_to_end(viewer)
        if len(self._paid_until) > self._most_viewers:
            self._paid_until.popitem(last=False)
