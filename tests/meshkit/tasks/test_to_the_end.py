"""Steps that run to their end although their caller is cancelled."""

import asyncio
import time

import pytest
from structlog.testing import capture_logs

from meshkit.call import CURRENT, Call, current_call
from meshkit.tasks.to_the_end import ToTheEnd


async def test_a_step_goes_on_without_its_caller() -> None:
    """A cancelled caller is gone at once, and the step ends later, without the caller's deadline."""
    to_the_end, gate, ended = ToTheEnd(), asyncio.Event(), asyncio.Event()
    CURRENT.set(Call("r", deadline=time.monotonic()))

    async def step() -> None:
        await gate.wait()
        assert current_call().deadline is None
        ended.set()

    caller = asyncio.create_task(to_the_end(step))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    gate.set()
    await asyncio.wait_for(ended.wait(), 5)


async def test_a_result_or_error_reaches_the_caller() -> None:
    """Without a cancellation it is an ordinary call."""
    to_the_end = ToTheEnd()

    async def seven() -> int:
        return 7

    async def fail() -> None:
        raise ValueError("a mistake")

    assert await to_the_end(seven) == 7
    with capture_logs() as logs, pytest.raises(ValueError, match="a mistake"):
        await to_the_end(fail)
    assert [log["event"] for log in logs] == ["step_failed"]


async def test_closing_waits_and_then_cancels() -> None:
    """A step that takes too long does not keep a process from ending."""
    to_the_end = ToTheEnd()
    callers = [
        asyncio.create_task(to_the_end(step)) for step in (lambda: asyncio.sleep(0.02), lambda: asyncio.sleep(60))
    ]
    await asyncio.sleep(0)
    await to_the_end.close(0.2)
    await to_the_end.close(0)
    quick, slow = await asyncio.gather(*callers, return_exceptions=True)
    assert quick is None
    assert isinstance(slow, asyncio.CancelledError)
