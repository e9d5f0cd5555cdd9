"""The part of the store's port about blocks and accounts' own states."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from follow_svc.sight import Block, Stance, Standing, Visibility
from meshkit.events.outbox import OutboxRecord


class StanceStore(Protocol):
    """Who blocks whom, and which accounts are private or closed. A read sees every write that had returned before it began.

    Both sides of a block and its events change together, whatever crashes.
    """

    async def block(
        self, user_id: int, other_id: int, blocked_ms: int, max_blocks: int, records: Sequence[OutboxRecord]
    ) -> bool:
        """Block an account and write the events. Returns False and changes nothing if it is blocked.

        Raises BlockLimitError if the account blocks `max_blocks` others. Concurrent calls may exceed that by a few.
        """
        ...

    async def unblock(self, user_id: int, other_id: int) -> bool:
        """Unblock an account. Returns False and changes nothing if it is not blocked."""
        ...

    async def get_stances(self, user_id: int, other_ids: Sequence[int]) -> Mapping[int, Stance]:
        """Return how an account stands to at most 200 others. Those without a block may be missing."""
        ...

    async def list_blocks(self, user_id: int, before: Block | None, limit: int) -> Sequence[Block]:
        """Return an account's blocks before another one (None: from the latest), the latest first, at most `limit`.

        Fewer than `limit` means that there are no more.
        """
        ...

    async def get_standings(self, user_ids: Sequence[int]) -> Mapping[int, Standing]:
        """Return the states of at most 200 accounts. Those that are public and open may be missing."""
        ...

    async def set_visibility(
        self, user_id: int, visibility: Visibility, events_of: Callable[[int], Sequence[OutboxRecord]]
    ) -> Sequence[OutboxRecord]:
        """Make an account private or public, and write the events of its new version.

        Returns these events. If the account has this visibility, changes nothing and returns none.
        """
        ...
