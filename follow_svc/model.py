"""The words of the social graph, and its numbers."""

from dataclasses import dataclass
from typing import NamedTuple

# A feed is rebuilt, and celebrities are pulled, over all followees of a viewer: this bounds both.
MAX_FOLLOWEES = 7_500
# A follower is two numbers: a partition of 100,000 of them stays at a few megabytes, whoever they follow.
FOLLOWER_BUCKET_SIZE = 100_000


@dataclass(frozen=True, slots=True)
class Follow:
    """One account following another; `created_ms` is since when, in milliseconds since 1970."""

    follower_id: int
    followee_id: int
    created_ms: int


@dataclass(frozen=True, slots=True)
class AddedFollow:
    """The follow that stands after an add: the new one, or the first one, which was there before."""

    follow: Follow
    is_new: bool


@dataclass(frozen=True, slots=True)
class FollowCounts:
    """How many follow an account, and how many it follows."""

    followers: int = 0
    following: int = 0


class FollowerPlace(NamedTuple):
    """Where a follower stands in the list of one account's followers: by bucket, then by id."""

    bucket: int
    follower_id: int


def bucket_of(followers: int, bucket_size: int) -> int:
    """Return the bucket of the next follower of an account that has `followers` now."""
    return followers // bucket_size
