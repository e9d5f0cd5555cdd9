"""follow_svc while another part is down."""

import socket

import grpc
import pytest

from meshkit.service_settings import ServiceSettings
from tests.follow_svc.served_graph import serving_graph, streamed_events


@pytest.fixture
def dead_port() -> int:
    """Return a port where nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


async def test_without_user_svc_a_repeated_follow_is_answered_and_a_new_one_is_not(
    served_store: ServiceSettings, valkey_url: str, user_addr: str, dead_port: int
) -> None:
    """Without user_svc, repeated follows and unfollows succeed; new follows are UNAVAILABLE."""
    async with serving_graph(served_store, valkey_url, user_addr) as before:
        alice, bob, carol = await before.new_users(3)
        first = await before.follow(alice, bob)
    async with serving_graph(served_store, valkey_url, f"127.0.0.1:{dead_port}", user_addr) as alone:
        assert await alone.follow(alice, bob) == first
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await alone.follow(alice, carol)
        assert refusal.value.code() == grpc.StatusCode.UNAVAILABLE
        await alone.unfollow(alice, bob)
        assert len(await alone.events_of(alice)) == 2


@pytest.mark.slow
async def test_a_follow_made_without_redis_reaches_the_stream_later(
    served_store: ServiceSettings, valkey_url: str, user_addr: str, dead_port: int
) -> None:
    """A follow made while Redis is down reaches consumers once Redis is back."""
    async with serving_graph(served_store, f"redis://127.0.0.1:{dead_port}/0", user_addr) as cut_off:
        alice, bob = await cut_off.new_users(2)
        await cut_off.follow(alice, bob)
        written = await cut_off.events_of(alice)
        assert [event.follow_created.followee_id for event in written] == [bob]
    async with serving_graph(served_store, valkey_url, user_addr):
        assert await streamed_events(valkey_url, alice, last=written[-1]) == written
