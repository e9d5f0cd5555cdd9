"""Changes of one follower take turns, and a queue that is too long refuses."""

import asyncio
import time

import pytest

from follow_svc.store import turns as queue
from follow_svc.store.turns import MAX_WAITING, Turns
from meshkit.call import CURRENT, Call
from meshkit.errors import UnavailableError


async def test_changes_of_one_follower_take_turns() -> None:
    """A second change of one follower waits for the first; another follower's does not."""
    turns = Turns()
    first = await turns.take(1)
    second = asyncio.create_task(turns.take(1))
    (await turns.take(2)).release()
    assert not second.done()
    first.release()
    (await second).release()


async def test_a_full_queue_refuses_at_once() -> None:
    """Nothing is begun for a change that finds too many others waiting."""
    turns = Turns()
    first = await turns.take(1)
    waiting = [asyncio.create_task(turns.take(1)) for _ in range(MAX_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(UnavailableError):
        await turns.take(1)
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    first.release()
    (await turns.take(1)).release()


async def test_a_wait_ends_before_its_call() -> None:
    """A change that could not finish within its call's deadline is refused, and never begins later."""
    turns = Turns()
    first = await turns.take(1)
    CURRENT.set(Call("r", deadline=time.monotonic() + queue.CHANGE_SECONDS + 0.05))
    with pytest.raises(UnavailableError):
        await turns.take(1)
    CURRENT.set(Call("r", deadline=time.monotonic() + 1))
    with pytest.raises(UnavailableError):
        await turns.take(1)
    first.release()
    (await turns.take(1)).release()


async def test_a_cancelled_caller_leaves_the_queue() -> None:
    """Its change never begins, and the next one gets the turn."""
    turns = Turns()
    first = await turns.take(1)
    gone, next_one = (asyncio.create_task(turns.take(1)) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    first.release()
    (await next_one).release()
    assert gone.cancelled()
