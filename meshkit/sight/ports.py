"""What the gate needs from follow_svc."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from meshkit.sight.kinds import SightKind


class Sights(Protocol):
    """Decides what viewers may see."""

    async def get_sights(self, viewer_id: int, user_ids: Sequence[int]) -> Mapping[int, SightKind]:
        """Return what a viewer may see of at most 200 accounts. Raises an error if that is not known: it never guesses."""
        ...
