"""RecentUnfollows in a real Redis."""

import time

import pytest
from redis.asyncio import Redis

from feed_svc.store.recent_unfollows import TTL_SECONDS, RedisRecentUnfollows


async def test_a_parting_is_known_from_both_sides_until_it_is_forgotten(redis: "Redis") -> None:
    """Coming back is remembered at once."""
    recent_unfollows = RedisRecentUnfollows(redis)
    for viewer, author in ((1, 2), (1, 3), (4, 2)):
        await recent_unfollows.add(viewer, author)
    assert await recent_unfollows.unfollowers_of(2) == {1, 4}
    assert await recent_unfollows.unfollowed_by(1) == {2, 3}
    await recent_unfollows.forget(1, 2)
    assert (await recent_unfollows.unfollowers_of(2), await recent_unfollows.unfollowed_by(1)) == ({4}, {3})
    assert all([0 < await redis.ttl(key) <= TTL_SECONDS for key in await redis.keys("*")])


async def test_somebody_whom_people_go_on_leaving_does_not_gather_them(
    redis: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each parting keeps the sets alive, and what is old in them goes all the same."""
    now = 1_767_225_600.0
    monkeypatch.setattr(time, "time", lambda: now)
    recent_unfollows = RedisRecentUnfollows(redis)
    await recent_unfollows.add(1, 2)
    now += TTL_SECONDS - 1
    await recent_unfollows.add(3, 2)
    assert await recent_unfollows.unfollowers_of(2) == {1, 3}
    now += 2
    await recent_unfollows.add(4, 2)
    assert await recent_unfollows.unfollowers_of(2) == {3, 4}
    assert await recent_unfollows.unfollowed_by(1) == {2}  # it expires as a whole
