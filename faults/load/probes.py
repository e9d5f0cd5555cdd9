"""Time how long an acknowledged change takes to reach a feed."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from faults.world.ledger import Post
from faults.world.person import Person
from faults.world.world import World

POLL_SECONDS = 0.1


@dataclass
class Probes:
    """Probes that run or have ended."""

    patience: float
    """A change that takes longer than so many seconds has taken forever."""
    seconds: list[float] = field(default_factory=list)
    """How long each change took that a probe saw arrive."""
    _running: set[asyncio.Task[None]] = field(default_factory=set)

    def appears(self, world: World, reader: Person, post: Post) -> None:
        """Time a post until a follower sees it."""
        pair = (reader.place, post.author)
        self._begin(
            reader,
            lambda feed: post.caption in feed,
            lambda: post.must_be_seen and world.ledger.follows.get(pair) is True,
        )

    def disappears(self, reader: Person, post: Post) -> None:
        """Time a deletion until a follower sees the post no more."""
        self._begin(reader, lambda feed: post.caption not in feed, lambda: True)

    def follow_applies(self, world: World, reader: Person, author: Person, *, to: bool) -> None:
        """Time a follow until the newest post is in the feed, or an unfollow until no post is."""
        pair, ending = (reader.place, author.place), f" of {author.handle}"
        posts = [each for each in world.ledger.posts.values() if each.author == author.place and each.must_be_seen]
        if not posts:
            return
        newest = posts[-1]
        if to:
            self._begin(
                reader,
                lambda feed: newest.caption in feed,
                lambda: newest.must_be_seen and world.ledger.follows.get(pair) is True,
            )
        else:
            self._begin(
                reader,
                lambda feed: not any(caption.endswith(ending) for caption in feed),
                lambda: world.ledger.follows.get(pair) is False,
            )

    async def done(self) -> None:
        """Wait for the probes that are under way."""
        while self._running:
            await asyncio.wait(self._running)

    def _begin(self, reader: Person, is_there: Callable[[Sequence[str]], bool], is_valid: Callable[[], bool]) -> None:
        task = asyncio.create_task(self._watch(reader, is_there, is_valid))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _watch(
        self, reader: Person, is_there: Callable[[Sequence[str]], bool], is_valid: Callable[[], bool]
    ) -> None:
        """Read until the change is there. A later change of the same thing makes the probe void."""
        start = time.monotonic()
        while is_valid():
            asked = time.monotonic()
            feed = await reader.newest()
            if feed is not None and is_there(feed):
                self.seconds.append(asked - start if asked - start > POLL_SECONDS else time.monotonic() - start)
                return
            if time.monotonic() - start > self.patience:
                self.seconds.append(float("inf"))
                return
            await asyncio.sleep(POLL_SECONDS)
