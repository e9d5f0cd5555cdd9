"""The types and limits of the social graph."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

# Bounds rebuilds and celebrity pulls, which read all followees of a viewer. Requests count, too: each may become a follow.
MAX_FOLLOWEES = 7_500
# Bounds the partition of an account's requests, and how long it takes to accept them all.
MAX_REQUESTS = 100_000
# A row is two numbers, so a partition of 100,000 followers stays at a few megabytes.
FOLLOWER_BUCKET_SIZE = 100_000


class FollowState(Enum):
    """Whether a follow has begun. Only FOLLOWING is a follow in counts, lists and feeds."""

    FOLLOWING = "following"
    REQUESTED = "requested"


@dataclass(frozen=True, slots=True)
class Follow:
    """One account follows another since `created_ms`, in milliseconds since 1970, and may have muted it; or it asks for that."""

    follower_id: int
    followee_id: int
    created_ms: int
    is_muted: bool = False
    state: FollowState = FollowState.FOLLOWING


@dataclass(frozen=True, slots=True)
class AddedFollow:
    """The result of adding a follow: the new one or a request, or what already existed."""

    follow: Follow
    is_new: bool


class FollowRequest(NamedTuple):
    """An account that asks for a follow, and since when. A list of requests is in descending order."""

    requested_ms: int
    follower_id: int


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
