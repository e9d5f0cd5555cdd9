"""The types and limits of the social graph."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

# Bounds rebuilds and celebrity pulls, which read all followees of a viewer.
MAX_FOLLOWEES = 7_500
# A row is two numbers, so a partition of 100,000 followers stays at a few megabytes.
FOLLOWER_BUCKET_SIZE = 100_000


@dataclass(frozen=True, slots=True)
class Follow:
    """One account follows another since `created_ms`, in milliseconds since 1970, and may have muted it."""

    follower_id: int
    followee_id: int
    created_ms: int
    is_muted: bool = False


@dataclass(frozen=True, slots=True)
class AddedFollow:
    """The result of adding a follow: the new one, or the one that already existed."""

    follow: Follow
    is_new: bool


@dataclass(frozen=True, slots=True)
class FollowCounts:
    """How many accounts follow an account, and how many it follows."""

    followers: int = 0
    following: int = 0


class Follower(NamedTuple):
    """A follower in an account's list, and whether it has muted the account. The list is ordered by bucket, then by id."""

    bucket: int
    follower_id: int
    is_muted: bool = False

    @property
    def place(self) -> tuple[int, int]:
        """The position in the list."""
        return self.bucket, self.follower_id

    @classmethod
    def at(cls, place: Sequence[int]) -> "Follower":
        """Return a follower at a position, to continue the list after it."""
        bucket, follower_id = place
        return cls(bucket, follower_id)


class Mute(NamedTuple):
    """An account that a follower has muted, and since when. A list of mutes is in descending order."""

    muted_ms: int
    followee_id: int


def bucket_of(followers: int, bucket_size: int) -> int:
    """Return the bucket for the next follower of an account that has `followers` now."""
    return followers // bucket_size
