"""RecentUnfollows in a real Redis."""

import time

import pytest
from redis.asyncio import Redis

from feed_svc.store.recent_unfollows import TTL_SECONDS, RedisRecentUnfollows


async def test_an_unfollow_is_known_by_author_and_by_viewer(redis: "Redis") -> None:
    """A new follow removes it from both sides."""
    recent_unfollows = RedisRecentUnfollows(redis)
    for viewer, author in ((1, 2), (1, 3), (4, 2)):
        await recent_unfollows.add(viewer, author)
    assert await recent_unfollows.unfollowers_of(2) == {1, 4}
    assert await recent_unfollows.unfollowed_by(1) == {2, 3}
    await recent_unfollows.forget(1, 2)
    assert (await recent_unfollows.unfollowers_of(2), await recent_unfollows.unfollowed_by(1)) == ({4}, {3})
    assert all([0 < await redis.ttl(key) <= TTL_SECONDS for key in await redis.keys("*")])


async def test_old_unfollows_are_removed(redis: "Redis", monkeypatch: pytest.MonkeyPatch) -> None:
    """Each unfollow keeps the sets alive, but removes old members."""
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
