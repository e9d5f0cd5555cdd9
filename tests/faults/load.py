"""A steady load of posts, follows and feed reads that records acknowledged writes."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx

from tests.blackbox.people import Person

WRITE_SECONDS = 1.0
"""The interval of each person's posts, and of their follows and unfollows."""

READ_SECONDS = 0.5
"""The interval of each person's feed reads."""


@dataclass
class Tally:
    """Results of calls of one kind in one phase, without retries."""

    good: int = 0
    bad: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    """The duration of each call, failed or not."""

    @property
    def share(self) -> float:
        """The share of successful calls."""
        return self.good / max(1, self.good + len(self.bad))


@dataclass
class Load:
    """The load. Calls are counted under the current `phase`."""

    people: list[Person]
    media_id_of: dict[str, str]
    phase: str = "whole"
    writes: dict[str, Tally] = field(default_factory=dict)
    reads: dict[str, Tally] = field(default_factory=dict)
    posts: dict[str, Person] = field(default_factory=dict)
    """Acknowledged posts, with their authors."""
    follows: dict[tuple[str, str], bool] = field(default_factory=dict)
    """The last acknowledged state of each pair. Pairs whose last call failed are left out."""

    async def run(self, stopping: asyncio.Event) -> None:
        """Let everyone post, follow and read concurrently until `stopping` is set."""
        await asyncio.gather(
            *(self._post(person, stopping) for person in self.people),
            *(self._follow(person, stopping) for person in self.people),
            *(self._read(person, stopping) for person in self.people),
        )

    async def _post(self, person: Person, stopping: asyncio.Event) -> None:
        """Post at a fixed rate, even if earlier calls are slow."""
        async with asyncio.TaskGroup() as posts:
            async for number in _ticks(WRITE_SECONDS, stopping):
                posts.create_task(self._post_once(person, number))

    async def _post_once(self, person: Person, number: int) -> None:
        body: dict[str, object] = {
            "caption": f"{person.handle} {number}",
            "mediaIds": [self.media_id_of[person.handle]],
        }
        response = await self._call(self.writes, person, "POST", "/posts", body)
        if response is not None:
            self.posts[response.json()["postId"]] = person

    async def _follow(self, person: Person, stopping: asyncio.Event) -> None:
        """Follow and unfollow the others in turn."""
        others = [other for other in self.people if other is not person]
        async for number in _ticks(WRITE_SECONDS, stopping):
            other = others[number % len(others)]
            pair = (person.user_id, other.user_id)
            is_to_follow = (number // len(others)) % 2 == 0
            if is_to_follow:
                call = self._call(self.writes, person, "POST", "/follows", {"followeeId": other.user_id})
            else:
                call = self._call(self.writes, person, "DELETE", f"/follows/{other.user_id}", None)
            if await call is None:
                self.follows.pop(pair, None)
            else:
                self.follows[pair] = is_to_follow

    async def _read(self, person: Person, stopping: asyncio.Event) -> None:
        async for _ in _ticks(READ_SECONDS, stopping):
            await self._call(self.reads, person, "GET", "/feed", None)

    async def _call(
        self, tallies: dict[str, Tally], person: Person, method: str, path: str, body: dict[str, object] | None
    ) -> httpx.Response | None:
        tally, start = tallies.setdefault(self.phase, Tally()), time.monotonic()
        try:
            response = await person.send(method, path, body)
        except httpx.HTTPError as error:
            tally.bad.append(repr(error))
            return None
        finally:
            tally.seconds.append(time.monotonic() - start)
        if response.status_code != httpx.codes.OK:
            tally.bad.append(f"{method} {path} {response.status_code} {response.text[:200]}")
            return None
        tally.good += 1
        return response


async def _ticks(seconds: float, stopping: asyncio.Event) -> AsyncIterator[int]:
    """Yield at a fixed rate until `stopping` is set. A slow body delays the next tick."""
    start = time.monotonic()
    for number in itertools.count():
        try:
            async with asyncio.timeout(max(0.0, start + number * seconds - time.monotonic())):
                await stopping.wait()
        except TimeoutError:
            yield number
        else:
            return
