"""The gate between what a service has read and what a viewer may see of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from meshkit.errors import NotFoundError
from meshkit.sight.errors import UserBlockedError
from meshkit.sight.kinds import SightKind
from meshkit.sight.ports import Sights
from meshkit.sight.seen import Seen

T = TypeVar("T")
# The kinds that show an account's profile in lists of others.
_LISTED = frozenset({SightKind.SEES, SightKind.PRIVATE})
# The most accounts of one question to follow_svc.
MAX_ACCOUNTS = 200


class Gate:
    """Lets a viewer see only what follow_svc allows. If follow_svc does not answer, nothing passes."""

    def __init__(self, sights: Sights) -> None:
        self._sights = sights

    async def kinds(self, viewer_id: int, owner_ids: Iterable[int]) -> Mapping[int, SightKind]:
        """Return what the viewer may see of each account. Viewers see themselves without a question."""
        others = sorted(set(owner_ids) - {viewer_id})
        found = {viewer_id: SightKind.SEES}
        for start in range(0, len(others), MAX_ACCOUNTS):
            found.update(await self._sights.get_sights(viewer_id, others[start : start + MAX_ACCOUNTS]))
        return found

    async def meet(self, viewer_id: int, user_id: int, hidden: Callable[[], NotFoundError]) -> SightKind:
        """Return what the viewer may see of an account that is not hidden. Raises the error that `hidden` makes."""
        kind = (await self.kinds(viewer_id, [user_id])).get(user_id, SightKind.HIDDEN)
        if kind is SightKind.HIDDEN:
            raise hidden()
        return kind

    async def approach(self, viewer_id: int, user_id: int, hidden: Callable[[], NotFoundError]) -> SightKind:
        """Return if neither account blocks the other. Raises UserBlockedError and the error that `hidden` makes."""
        kind = await self.meet(viewer_id, user_id, hidden)
        if kind is SightKind.BLOCKING:
            raise UserBlockedError
        return kind

    async def check(self, viewer_id: int, owner_id: int, hidden: Callable[[], NotFoundError]) -> None:
        """Return if the viewer may see what the account owns. Raises as `approach`."""
        if await self.approach(viewer_id, owner_id, hidden) is not SightKind.SEES:
            raise hidden()

    async def listed(self, viewer_id: int, values: Sequence[T], owner_of: Callable[[T], int]) -> list[Seen[T]]:
        """Return the values of accounts that a list of others may name, in order."""
        kinds = await self.kinds(viewer_id, map(owner_of, values))
        return [Seen(value) for value in values if kinds.get(owner_of(value)) in _LISTED]

    def own(self, values: Iterable[T]) -> list[Seen[T]]:
        """Return what the viewer owns or has made: their own profile, posts, media, blocks and mutes."""
        return [Seen(value) for value in values]
