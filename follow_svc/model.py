"""The types and limits of the social graph."""

from dataclasses import dataclass
from typing import NamedTuple

# Bounds rebuilds and celebrity pulls, which read all followees of a viewer.
MAX_FOLLOWEES = 7_500
# A row is two numbers, so a partition of 100,000 followers stays at a few megabytes.
FOLLOWER_BUCKET_SIZE = 100_000


@dataclass(frozen=True, slots=True)
class Follow:
    """One account follows another since `created_ms`, in milliseconds since 1970."""

    follower_id: int
    followee_id: int
    created_ms: int


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


class FollowerPlace(NamedTuple):
    """The position of a follower in an account's list: by bucket, then by id."""

    bucket: int
    follower_id: int


def bucket_of(followers: int, bucket_size: int) -> int:
    """Return the bucket for the next follower of an account that has `followers` now."""
    return followers // bucket_size
