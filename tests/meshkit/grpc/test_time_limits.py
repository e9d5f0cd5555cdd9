"""Time limits that share a timer."""

import asyncio

import pytest

from meshkit.time_limits import TimeLimits

NEVER = 60.0


@pytest.mark.parametrize("seconds", [0.02, 0.0, -1.0])
async def test_a_slow_block_is_cancelled(seconds: float) -> None:
    """Its code is cancelled and the task continues with a TimeoutError; without time left, at its first await."""
    limits, ended = TimeLimits(), asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(TimeoutError), limits.within(seconds):
        await work()
    assert ended.is_set()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)  # not cancelled any more


async def test_a_block_that_ends_in_time_is_left_alone() -> None:
    """Its limit neither cancels the task later nor affects another block."""
    limits = TimeLimits()
    with limits.within(0.02):
        await asyncio.sleep(0)
    with limits.within(NEVER):
        await asyncio.sleep(0.05)
    with pytest.raises(TimeoutError), limits.within(0.02):
        await asyncio.Event().wait()


async def test_each_block_has_its_own_limit() -> None:
    """A near limit is kept whether it was set before or after a far one."""
    limits = TimeLimits()

    async def wait(seconds: float) -> str:
        try:
            with limits.within(seconds):
                await asyncio.Event().wait()
        except TimeoutError:
            return "ended"
        return "went on"

    far = asyncio.create_task(wait(NEVER))
    await asyncio.sleep(0)
    assert {*await asyncio.gather(wait(0.03), wait(0.01), wait(0.02))} == {"ended"}
    assert not far.done()
    far.cancel()
    with pytest.raises(asyncio.CancelledError):
        await far


async def test_the_inner_of_two_blocks_ends_alone() -> None:
    """The outer block continues after the inner TimeoutError and has its own limit."""
    limits = TimeLimits()
    with limits.within(NEVER):
        with pytest.raises(TimeoutError), limits.within(0.02):
            await asyncio.Event().wait()
        await asyncio.sleep(0)
    with pytest.raises(TimeoutError), limits.within(0.02), limits.within(NEVER):
        await asyncio.Event().wait()


async def test_another_cancellation_is_kept() -> None:
    """A task that is cancelled when its limit is reached ends cancelled."""
    limits, entered = TimeLimits(), asyncio.Event()

    async def work() -> None:
        with limits.within(0.02):
            entered.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                await asyncio.sleep(0.05)  # it takes its time to end, and its bound is reached
                raise

    task = asyncio.create_task(work())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_other_errors_pass() -> None:
    """Exceptions of the block are passed through."""
    with pytest.raises(KeyError), TimeLimits().within(NEVER):
        raise KeyError
