"""Blocks and standings, and the rule that decides by them."""

from enum import Enum
from typing import NamedTuple

from meshkit.sight.kinds import SightKind

# Bounds the list of an account's blocks, which a page reads as a whole.
MAX_BLOCKS = 10_000


class Visibility(Enum):
    """Who sees an account's posts and lists."""

    PUBLIC = "public"
    PRIVATE = "private"


class Standing(NamedTuple):
    """An account's own state. One that the store does not know is public and open."""

    visibility: Visibility = Visibility.PUBLIC
    is_closed: bool = False
    version: int = 0
    """Grows with each change of the visibility."""


class Stance(NamedTuple):
    """How a viewer and another account stand to each other."""

    blocks: bool = False
    blocked_by: bool = False


class Block(NamedTuple):
    """An account that another one blocks, and since when. A list of blocks is in descending order."""

    blocked_ms: int
    user_id: int


class Sight(NamedTuple):
    """What a viewer may see of an account, and the account's visibility."""

    user_id: int
    kind: SightKind
    visibility: Visibility


def sight_of(standing: Standing, stance: Stance, *, follows: bool) -> SightKind:
    """Return what a viewer may see of somebody else.

    An account that blocks the viewer is hidden even if the viewer blocks it, too.
    """
    if standing.is_closed or stance.blocked_by:
        return SightKind.HIDDEN
    if stance.blocks:
        return SightKind.BLOCKING
    if standing.visibility is Visibility.PRIVATE and not follows:
        return SightKind.PRIVATE
    return SightKind.SEES
