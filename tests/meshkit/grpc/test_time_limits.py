"""Bounds that share a timer."""

import asyncio

import pytest

from meshkit.time_limits import TimeLimits

NEVER = 60.0


@pytest.mark.parametrize("seconds", [0.02, 0.0, -1.0])
async def test_a_block_that_takes_too_long_is_ended(seconds: float) -> None:
    """What runs in it is cancelled, and the task goes on with a TimeoutError; where no time is left, at its first wait."""
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
    """Its bound does not come for the task later, nor does it keep another block from being ended."""
    limits = TimeLimits()
    with limits.within(0.02):
        await asyncio.sleep(0)
    with limits.within(NEVER):
        await asyncio.sleep(0.05)
    with pytest.raises(TimeoutError), limits.within(0.02):
        await asyncio.Event().wait()


async def test_each_block_is_ended_by_its_own_bound() -> None:
    """A near bound is heeded whether it came before or after a far one."""
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
    """The outer one goes on with the TimeoutError of the inner one, and is ended by its own bound only."""
    limits = TimeLimits()
    with limits.within(NEVER):
        with pytest.raises(TimeoutError), limits.within(0.02):
            await asyncio.Event().wait()
        await asyncio.sleep(0)
    with pytest.raises(TimeoutError), limits.within(0.02), limits.within(NEVER):
        await asyncio.Event().wait()


async def test_the_cancellation_of_somebody_else_stays_one() -> None:
    """A task that is cancelled while its bound is reached ends cancelled."""
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
    """What a block raises itself comes out as it is."""
    with pytest.raises(KeyError), TimeLimits().within(NEVER):
        raise KeyError
