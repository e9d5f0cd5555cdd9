"""Decide what a viewer may see of some accounts."""

import asyncio
from collections.abc import Mapping, Sequence

from follow_svc.sight import Sight, Stance, Standing, Visibility, sight_of
from follow_svc.store.port import FollowStore
from meshkit.sight.kinds import SightKind

# The viewer of a question about accounts as such.
NOBODY = 0


class GetSights:
    """Reads standings, blocks in both directions, and the viewer's follows of private accounts. One read each."""

    def __init__(self, store: FollowStore) -> None:
        self._store = store

    async def __call__(self, viewer_id: int, user_ids: Sequence[int]) -> list[Sight]:
        """Return what the viewer may see of at most 200 accounts, in their order. Viewer 0 is a stranger to all."""
        others = [user_id for user_id in user_ids if user_id != viewer_id]
        standings, stances = await asyncio.gather(
            self._store.get_standings(user_ids), self._store.get_stances(viewer_id, others if viewer_id else [])
        )
        followed = await self._followed(viewer_id, others, standings)

        def decide(user_id: int) -> Sight:
            standing = standings.get(user_id, Standing())
            stance = stances.get(user_id, Stance())
            is_own = user_id == viewer_id and viewer_id != NOBODY
            kind = SightKind.SEES if is_own else sight_of(standing, stance, follows=user_id in followed)
            return Sight(user_id, kind, standing.visibility)

        return [decide(user_id) for user_id in user_ids]

    async def get_sights(self, viewer_id: int, user_ids: Sequence[int]) -> Mapping[int, SightKind]:
        """Answer the gate of this service."""
        return {sight.user_id: sight.kind for sight in await self(viewer_id, user_ids)}

    async def _followed(
        self, viewer_id: int, user_ids: Sequence[int], standings: Mapping[int, Standing]
    ) -> frozenset[int]:
        private = [
            user_id for user_id in user_ids if standings.get(user_id, Standing()).visibility is Visibility.PRIVATE
        ]
        if not private or viewer_id == NOBODY:
            return frozenset()
        return frozenset(await self._store.filter_followees(viewer_id, private))
