"""Tests of who gets a place, without any picture."""

import asyncio

import pytest

from media_svc.photos.places import Places

FOREVER = 3_600.0


class Work:
    """Work for the whole room, which ends when it may, and counts how often it was begun and interrupted."""

    def __init__(self) -> None:
        self.begun, self.interrupted = 0, 0
        self.running = asyncio.Event()
        self.may_end = asyncio.Event()

    async def __call__(self) -> str:
        """Run."""
        self.begun += 1
        self.running.set()
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.interrupted += 1
            raise
        finally:
            self.running.clear()
        return "done"


async def test_so_many_places() -> None:
    """Not more places are held than there are, and they go to those who came first."""
    places: Places[None] = Places(2)
    held, most, order = 0, 0, []

    async def hold(number: int) -> None:
        nonlocal held, most
        async with places.one():
            order.append(number)
            held += 1
            most = max(most, held)
            await asyncio.sleep(0)
            held -= 1

    await asyncio.gather(*(hold(number) for number in range(6)))
    assert (most, order) == (2, list(range(6)))


async def test_small_ones_pass() -> None:
    """Work for the whole room is interrupted by whoever wants one place, and runs again afterwards."""
    places: Places[str] = Places(2, FOREVER, 0)
    work = Work()
    whole = asyncio.create_task(places.whole(work))
    for number in (1, 2):
        await work.running.wait()
        async with places.one():
            assert not work.running.is_set()
            assert (work.begun, work.interrupted) == (number, number)
    await work.running.wait()
    work.may_end.set()
    assert await whole == "done"
    assert (work.begun, work.interrupted) == (3, 2)


async def test_patience_ends() -> None:
    """In the end the work takes the room: it waits for the places that are held, and others wait for it."""
    places: Places[str] = Places(2, 0.1, 0)
    work, is_served = Work(), asyncio.Event()

    async def small() -> None:
        async with places.one():
            is_served.set()

    async with places.one():
        whole = asyncio.create_task(places.whole(work))
        await asyncio.sleep(0.2)
        assert not work.begun
    await work.running.wait()
    waiting = asyncio.create_task(small())
    for _ in range(10):
        await asyncio.sleep(0)
    assert work.running.is_set()
    assert not is_served.is_set()
    work.may_end.set()
    assert await whole == "done"
    await waiting
    assert (work.begun, work.interrupted) == (1, 0)


async def test_runs_on_after_its_patience() -> None:
    """Work that began in time is not interrupted once its patience has ended."""
    places: Places[str] = Places(1, 0.1, 0)
    work = Work()
    whole = asyncio.create_task(places.whole(work))
    await work.running.wait()
    await asyncio.sleep(0.2)
    waiting = asyncio.create_task(places.one().__aenter__())
    await asyncio.sleep(0.05)
    assert not waiting.done()
    work.may_end.set()
    assert await whole == "done"
    await waiting
    assert work.interrupted == 0


async def test_waits_for_calm() -> None:
    """Work does not begin between two small pictures that follow each other at once."""
    places: Places[str] = Places(1, FOREVER, 0.2)
    work = Work()
    whole = asyncio.create_task(places.whole(work))
    for _ in range(5):
        async with places.one():
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.01)
    assert not work.begun
    work.may_end.set()
    assert await whole == "done"


async def test_failure_and_cancellation() -> None:
    """A failure reaches the caller, a cancelled caller leaves no work, and the places are free again."""
    places: Places[str] = Places(1, FOREVER, 0)

    async def fail() -> str:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await places.whole(fail)
    work = Work()
    whole = asyncio.create_task(places.whole(work))
    await work.running.wait()
    whole.cancel()
    await asyncio.gather(whole, return_exceptions=True)
    assert (work.interrupted, whole.cancelled()) == (1, True)
    async with places.one():
        waiting = asyncio.create_task(places.one().__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
    work.may_end.set()
    assert await places.whole(work) == "done"
