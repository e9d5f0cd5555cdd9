"""A steady load of posts, follows and feed reads, which remembers what was acknowledged."""

import asyncio
import itertools
from dataclasses import dataclass, field

import httpx

from tests.blackbox.people import Person

PAUSE_SECONDS = 0.1
"""Between two calls of one person, so that the load is steady and not as much as the machine can take."""


@dataclass
class Tally:
    """Calls of one kind in one phase."""

    good: int = 0
    bad: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """The share that succeeded."""
        return self.good / max(1, self.good + len(self.bad))


@dataclass
class Load:
    """What people do until told to stop. `phase` is where calls are counted."""

    people: list[Person]
    media_id_of: dict[str, str]
    phase: str = "whole"
    writes: dict[str, Tally] = field(default_factory=dict)
    reads: dict[str, Tally] = field(default_factory=dict)
    posts: dict[str, Person] = field(default_factory=dict)
    """Acknowledged posts, with their authors."""
    follows: dict[tuple[str, str], bool] = field(default_factory=dict)
    """The last acknowledged state of a pair; a pair whose last call failed is in doubt, and left out."""

    async def run(self, stopping: asyncio.Event) -> None:
        """Let everybody post, follow and read side by side."""
        await asyncio.gather(
            *(self._post(person, stopping) for person in self.people),
            *(self._follow(person, stopping) for person in self.people),
            *(self._read(person, stopping) for person in self.people),
        )

    async def _post(self, person: Person, stopping: asyncio.Event) -> None:
        for number in itertools.count():
            body: dict[str, object] = {
                "caption": f"{person.handle} {number}",
                "mediaIds": [self.media_id_of[person.handle]],
            }
            response = await self._call(self.writes, person, "POST", "/posts", body)
            if response is not None:
                self.posts[response.json()["postId"]] = person
            if await _stopped(stopping):
                return

    async def _follow(self, person: Person, stopping: asyncio.Event) -> None:
        """Follow and unfollow the others in turn."""
        others = [other for other in self.people if other is not person]
        for number in itertools.count():
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
            if await _stopped(stopping):
                return

    async def _read(self, person: Person, stopping: asyncio.Event) -> None:
        while True:
            await self._call(self.reads, person, "GET", "/feed", None)
            if await _stopped(stopping):
                return

    async def _call(
        self, tallies: dict[str, Tally], person: Person, method: str, path: str, body: dict[str, object] | None
    ) -> httpx.Response | None:
        tally = tallies.setdefault(self.phase, Tally())
        try:
            response = await person.send(method, path, body)
        except httpx.HTTPError as error:
            tally.bad.append(repr(error))
            return None
        if response.status_code != httpx.codes.OK:
            tally.bad.append(f"{method} {path} {response.status_code} {response.text[:200]}")
            return None
        tally.good += 1
        return response


async def _stopped(stopping: asyncio.Event) -> bool:
    try:
        async with asyncio.timeout(PAUSE_SECONDS):
            await stopping.wait()
    except TimeoutError:
        return False
    return True
