"""Partings in a real Redis."""

import time

import pytest
from redis.asyncio import Redis

from feed_svc.store.recent_unfollows import TTL_SECONDS, RedisPartings


async def test_a_parting_is_known_from_both_sides_until_it_is_forgotten(redis: "Redis") -> None:
    """Coming back is remembered at once."""
    partings = RedisPartings(redis)
    for viewer, author in ((1, 2), (1, 3), (4, 2)):
        await partings.add(viewer, author)
    assert await partings.viewers_who_left(2) == {1, 4}
    assert await partings.authors_left_by(1) == {2, 3}
    await partings.forget(1, 2)
    assert (await partings.viewers_who_left(2), await partings.authors_left_by(1)) == ({4}, {3})
    assert all([0 < await redis.ttl(key) <= TTL_SECONDS for key in await redis.keys("*")])


async def test_somebody_whom_people_go_on_leaving_does_not_gather_them(
    redis: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each parting keeps the sets alive, and what is old in them goes all the same."""
    now = 1_767_225_600.0
    monkeypatch.setattr(time, "time", lambda: now)
    partings = RedisPartings(redis)
    await partings.add(1, 2)
    now += TTL_SECONDS - 1
    await partings.add(3, 2)
    assert await partings.viewers_who_left(2) == {1, 3}
    now += 2
    await partings.add(4, 2)
    assert await partings.viewers_who_left(2) == {3, 4}
    assert await partings.authors_left_by(1) == {2}  # it expires as a whole
