"""Wrong clocks: a sweeper with one closes nothing, says so, and what an older one closed can be reopened."""

import asyncio
import socket
import time
from pathlib import Path

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from meshkit import clocks
from meshkit.clocks import MAX_CLOCK_ERROR_MS, ClockError, ClockOffset, compare
from meshkit.events import Sweeper
from meshkit.events import sweeper as sweeping
from meshkit.events.outbox import MINUTE_MS
from meshkit.events.sweeper import CHECK_SECONDS
from meshkit.redis.client import open_redis
from tests.meshkit.events.bus import Heard, Outbox, consuming, new_stream, open_outbox, soon_ms

HOUR_MS = 60 * MINUTE_MS


def now_ms() -> int:
    """Return the true time."""
    return time.time_ns() // 1_000_000


async def test_a_fast_clock_closes_no_minute(redis: "Redis", outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweeper an hour ahead of Redis and of everybody else leaves all minutes open, and events are still found."""
    stream, heard = new_stream("g"), Heard()
    async with consuming(redis, stream, heard):
        good = Sweeper(redis, stream, outbox)
        await good.sweep()
        begun = await outbox.outbox_done_before()
        with monkeypatch.context() as patch:
            patch.setattr(sweeping, "local_ms", lambda: now_ms() + HOUR_MS)
            ahead = Sweeper(redis, stream, outbox)
            await ahead.sweep()
            with pytest.raises(ClockError):
                await ahead.check()
        assert await outbox.outbox_done_before() <= now_ms() // MINUTE_MS
        assert await outbox.outbox_done_before() == begun
        await outbox.commit(7)
        assert await good.sweep(soon_ms()) == 1
        await heard.until_user(7)
        await good.check()


async def test_an_outbox_closed_into_the_future_is_reported_and_swept(redis: "Redis", outbox: Outbox) -> None:
    """A mark that a wrong clock left an hour ahead is logged and not believed."""
    stream, heard = new_stream("g"), Heard()
    await outbox.set_outbox_done_before(now_ms() // MINUTE_MS + 60)
    async with consuming(redis, stream, heard):
        sweeper = Sweeper(redis, stream, outbox)
        with capture_logs() as logs:
            await sweeper.sweep()
        # Others may log meanwhile: a busy machine's consumer says that it was slow.
        repairs = [log["repair"] for log in logs if log["event"] == "outbox_closed_into_the_future"]
        assert repairs == [f"lensfeed events reopen {stream.name}"]
        await outbox.commit(8)
        assert await sweeper.sweep(soon_ms()) == 1
        await heard.until_user(8)


async def test_an_outbox_is_reopened_on_request(redis: "Redis", outbox: Outbox) -> None:
    """The next sweep moves the mark back, and sends what was never sent."""
    stream, heard = new_stream("g"), Heard()
    minute = now_ms() // MINUTE_MS
    await outbox.set_outbox_done_before(minute + 60)
    await stream.request_reopening(redis, minute - 30)
    await outbox.commit(9)
    async with consuming(redis, stream, heard):
        sweeper = Sweeper(redis, stream, outbox)
        assert await sweeper.sweep(soon_ms()) == 1
        assert await outbox.outbox_done_before() <= minute
        await heard.until_user(9)
        await sweeper.check()
        assert await stream.requested_reopening(redis) is None


async def test_a_hung_redis_is_no_wrong_clock(outbox: Outbox) -> None:
    """The check of clocks is quick and silent while Redis hangs or is down: services need no Redis to be ready."""
    with socket.create_server(("127.0.0.1", 0)) as server:  # takes connections and never answers
        for port in (server.getsockname()[1], 1):
            async with open_redis(f"redis://127.0.0.1:{port}/0") as lost, asyncio.timeout(CHECK_SECONDS + 1):
                await Sweeper(lost, new_stream("g"), outbox).check()


async def test_an_event_is_written_behind_a_seal(tmp_path: Path) -> None:
    """Once a minute is sealed, an event of that minute goes into the first open one."""
    async with open_outbox(tmp_path / "outbox.db") as outbox:
        sealed = now_ms() // MINUTE_MS + 2
        await outbox.seal_outbox(sealed)
        assert (await outbox.commit(1)).minute == sealed
        await outbox.reopen_outbox(sealed - 10)
        assert (await outbox.commit(2)).minute <= now_ms() // MINUTE_MS


def test_a_clock_is_wrong_if_all_others_disagree() -> None:
    """One of two other clocks may be wrong without blame for this process."""
    now = now_ms()
    far = now + MAX_CLOCK_ERROR_MS + 1
    assert compare(now, {}).agree
    assert not compare(now, {"redis": far, "store": now}).is_local_wrong
    assert not compare(now, {"redis": far, "store": now}).agree
    assert compare(now, {"redis": far, "store": far}).is_local_wrong
    assert compare(now, {"redis": now - 5}).earliest_ms == now - 5


def test_an_offset_is_the_median_of_its_measurements(monkeypatch: pytest.MonkeyPatch) -> None:
    """One node with a wrong clock, or one slow answer, changes nothing."""
    monkeypatch.setattr(clocks, "local_ms", lambda: 1_000_000)
    offset = ClockOffset()
    assert offset.now_ms() == 1_000_000
    for their_ms in (5_010, 5_020, 5_000_000):
        offset.add(their_ms, 0, 20)
    offset.add(9_999_999, 0, 2_000)
    assert offset.now_ms() == 1_005_010
