"""Compares every feed with the ledger until they agree."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from faults.world.ledger import Known, Ledger
from faults.world.person import Person
from faults.world.world import World

POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Difference:
    """What is wrong with a feed."""

    reader: str
    missing: frozenset[str] = frozenset()
    extra: frozenset[str] = frozenset()
    doubled: frozenset[str] = frozenset()
    is_read: bool = True

    @property
    def is_any(self) -> bool:
        """Whether the feed is not as it must be, or could not be read."""
        return bool(self.missing or self.extra or self.doubled or not self.is_read)


@dataclass(frozen=True, slots=True)
class Settled:
    """What was still wrong after the last look, and how long it took until nothing was."""

    seconds: float
    differences: Sequence[Difference]
    lost: frozenset[str]
    """Acknowledged posts that even their authors do not see."""

    @property
    def missing(self) -> int:
        """Entries that feeds lack, posts that are lost, and feeds that cannot be read."""
        return sum(len(each.missing) + (not each.is_read) for each in self.differences) + len(self.lost)

    @property
    def extra(self) -> int:
        """Entries that no feed should have: of failed, deleted or unfollowed posts."""
        return sum(len(each.extra) for each in self.differences)

    @property
    def doubled(self) -> int:
        """Entries that a feed has twice."""
        return sum(len(each.doubled) for each in self.differences)


async def settle(world: World, patience: float) -> Settled:
    """Read all feeds until each is what the ledger says, but no longer than `patience` seconds."""
    start = time.monotonic()
    await resolve(world)
    wrong, differences = world.people, list[Difference]()
    while wrong:
        differences = [compared(world.ledger, each.place, each.handle, await each.feed()) for each in wrong]
        wrong = [person for person, each in zip(wrong, differences, strict=True) if each.is_any]
        if time.monotonic() - start > patience:
            break
        if wrong:
            await asyncio.sleep(POLL_SECONDS)
    seconds = time.monotonic() - start
    return Settled(seconds, [each for each in differences if each.is_any], await _lost(world))


async def resolve(world: World) -> None:
    """Ask the stores what became of changes whose outcome is unknown, and note it in the ledger.

    Whatever they say, every feed must agree with it.
    """
    ledger = world.ledger
    doubtful = {each.author for each in ledger.posts.values() if Known.UNKNOWN in {each.created, each.deleted}}
    for author in doubtful:
        listed = await listed_posts(world.people[author])
        for post in (each for each in ledger.posts.values() if each.author == author):
            if post.created is Known.UNKNOWN:
                post.created = Known.OK if post.caption in listed else Known.FAILED
                post.post_id = listed.get(post.caption, "")
            elif post.deleted is Known.UNKNOWN:
                post.deleted = Known.FAILED if post.caption in listed else Known.OK
    for follower in {who for (who, _), state in ledger.follows.items() if state is None}:
        person = world.people[follower]
        users = await _surely(person, f"/users/{person.user_id}/following", "users")
        ids = {user["userId"] for user in users}
        for author, state in ledger.followees(follower).items():
            if state is None:
                ledger.follows[follower, author] = world.people[author].user_id in ids


def compared(ledger: Ledger, place: int, reader: str, feed: Sequence[str] | None) -> Difference:
    """Compare a feed with the ledger. What is unknown may be there or not."""
    if feed is None:
        return Difference(reader, is_read=False)
    followees, seen = ledger.followees(place), set(feed)
    missing, allowed = set[str](), set[str]()
    for post in ledger.posts.values():
        state = followees.get(post.author, False)
        if post.must_be_seen and state is True:
            missing.add(post.caption)
        if state is not False and not post.must_not_be_seen:
            allowed.add(post.caption)
    doubled = frozenset(caption for caption in seen if feed.count(caption) > 1)
    return Difference(reader, frozenset(missing - seen), frozenset(seen - allowed), doubled)


async def _lost(world: World) -> frozenset[str]:
    lost = set[str]()
    for author in world.authors:
        listed = await listed_posts(author)
        posts = [each for each in world.ledger.posts.values() if each.author == author.place]
        lost |= {each.caption for each in posts if each.must_be_seen and each.caption not in listed}
    return frozenset(lost)


async def listed_posts(person: Person) -> dict[str, str]:
    """Return the ids of somebody's posts by caption."""
    posts = await _surely(person, f"/users/{person.user_id}/posts", "posts")
    return {post["caption"]: post["postId"] for post in posts}


async def _surely(person: Person, path: str, key: str) -> Sequence[dict[str, str]]:
    while (found := await person.items(path, key)) is None:  # noqa: ASYNC110 - another process raises no event here
        await asyncio.sleep(POLL_SECONDS)
    return found
