"""Public authors are remembered in Redis, and renewed from time to time."""

from redis.asyncio import Redis

from feed_svc.store.public_authors import CHANGED_SECONDS, KEEP_SECONDS, RENEW_SECONDS, RedisPublicAuthors
from meshkit.redis.mux import RedisMux


async def test_an_answer_from_before_a_switch_is_not_remembered(mux: RedisMux, redis: "Redis") -> None:
    """A reader may be late with what the graph said before a switch. For minutes, the author does not count as public."""
    public = RedisPublicAuthors(mux)
    stays, switches, _ = authors = 21, 22, 23
    await public.add([stays, switches])
    assert await public.among(authors) == {stays, switches}
    await public.forget([switches])
    await public.add([stays, switches])
    assert await public.among(authors) == {stays}
    assert 0 < await redis.ttl(f"public:{{{switches}}}") <= CHANGED_SECONDS
    assert CHANGED_SECONDS < await redis.ttl(f"public:{{{stays}}}") <= KEEP_SECONDS


async def test_public_authors_are_renewed_once_in_ten_minutes(mux: RedisMux, redis: "Redis") -> None:
    """A process asks Redis to renew an author again only after a while, and after it has forgotten the author."""
    now = 0.0
    public = RedisPublicAuthors(mux, lambda: now)
    await public.add([31, 32])
    await redis.expire("public:{31}", CHANGED_SECONDS)
    await public.add([31, 32, 33])
    assert await public.among([31, 32, 33]) == {31, 32, 33}
    assert await redis.ttl("public:{31}") <= CHANGED_SECONDS
    now = RENEW_SECONDS
    await public.add([31])
    assert await redis.ttl("public:{31}") > CHANGED_SECONDS
    await public.forget([31])
    await public.add([31])
    assert await public.among([31]) == set()
    await redis.delete("public:{31}")  # as it expires
    await public.add([31])
    assert await public.among([31]) == {31}
