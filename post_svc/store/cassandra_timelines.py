"""Published posts, one partition per author."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, TypeVar

from meshkit.cassandra import Cassandra, Step, read, sure_read, write
from meshkit.ids import PublicId
from post_svc.model import Medium, Place, PublishedPost
from post_svc.store.write_times import write_time

T = TypeVar("T")
# How many partitions one call reads at a time: enough for a page of a feed, without hogging connections.
PARTITIONS_AT_ONCE = 32
# How many rows of a partition one statement reads by key.
ROWS_AT_ONCE = 100
_AT = sure_read(
    "SELECT author_id, place, post_id, caption, manifest, improved FROM posts WHERE author_id = ? AND place = ? LIMIT 1"
)
_MANY_AT = "SELECT author_id, place, post_id, caption, manifest, improved FROM posts WHERE author_id = ? AND place IN ? LIMIT ?"
_AT_PLACES = read(_MANY_AT)
_AT_PLACES_AT_QUORUM = sure_read(_MANY_AT)
_PAGE = (
    "SELECT author_id, place, post_id, caption, manifest, improved FROM posts"
    " WHERE author_id = ? AND place < ? ORDER BY place DESC LIMIT ?"
)
_LIST, _LIST_AT_QUORUM = read(_PAGE), sure_read(_PAGE)
# Timelines are built from these rows. A place that a lagging replica lacks would be missing until the next rebuild.
_PLACES = sure_read("SELECT place FROM posts WHERE author_id = ? AND place < ? ORDER BY place DESC LIMIT ?")
_PLACE_OF = sure_read("SELECT place FROM post_places WHERE author_id = ? AND post_id = ? LIMIT 1")
_ADD = write(
    "INSERT INTO posts (author_id, place, post_id, caption, manifest) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?"
)
_ADD_PLACE = write("INSERT INTO post_places (author_id, post_id, place) VALUES (?, ?, ?) USING TIMESTAMP ?")
_IMPROVE = write("UPDATE posts USING TIMESTAMP ? SET improved[?] = ? WHERE author_id = ? AND place = ?")
_REMOVE = write("DELETE FROM posts USING TIMESTAMP ? WHERE author_id = ? AND place = ?")
_REMOVE_PLACE = write("DELETE FROM post_places USING TIMESTAMP ? WHERE author_id = ? AND post_id = ?")


def publish_steps(post: PublishedPost) -> list[Step]:
    """Return the steps that store a post at its place."""
    author_id, post_id, time = post.id.owner, post.id.local, write_time(post.place)
    steps: list[Step] = [(_ADD, (author_id, post.place, post_id, post.caption, post.manifest, time))]
    if post.place != post_id:
        steps.append((_ADD_PLACE, (author_id, post_id, post.place, time)))
    return steps


def remove_steps(post: PublicId, place: int) -> list[Step]:
    """Return the steps that remove a post from its place and keep it from coming back."""
    time = write_time(place) + 1
    steps: list[Step] = [(_REMOVE, (time, post.owner, place))]
    if place != post.local:
        steps.append((_REMOVE_PLACE, (time, post.owner, post.local)))
    return steps


class Timelines:
    """Reads published posts."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._cassandra = cassandra

    async def find(self, post: PublicId) -> PublishedPost | None:
        """Return a post by its id. Reads at quorum, because authors look at their changes at once."""
        found = await self._at(post.owner, post.local)
        if found is None or found.id != post:
            places = await self._cassandra.execute(_PLACE_OF, post.owner, post.local)
            found = await self._at(post.owner, places[0][0]) if places else None
        return found

    async def at(self, place: Place) -> PublishedPost | None:
        """Return the post at a place."""
        return await self._at(place.author_id, place.place)

    async def has_post(self, place: Place) -> bool:
        """Return whether a post is stored at a place."""
        return await self._at(place.author_id, place.place) is not None

    async def page(self, author_id: int, before_place: int, limit: int) -> Sequence[PublishedPost]:
        """Return an author's posts below a place, newest first."""
        rows = await self._cassandra.execute(_LIST, author_id, before_place, limit)
        if not all(map(_is_whole, rows)):
            rows = await self._cassandra.execute(_LIST_AT_QUORUM, author_id, before_place, limit)
        return [_post(row) for row in rows if _is_whole(row)]

    async def posts_at(self, places: Sequence[Place]) -> Mapping[Place, PublishedPost]:
        """Return the posts at some places, with one statement per author."""
        wanted: defaultdict[int, list[int]] = defaultdict(list)
        for place in dict.fromkeys(places):
            wanted[place.author_id].append(place.place)
        found = await _bounded(
            [
                self._of_author(author_id, each[start : start + ROWS_AT_ONCE])
                for author_id, each in wanted.items()
                for start in range(0, len(each), ROWS_AT_ONCE)
            ]
        )
        return {Place(post.id.owner, post.place): post for posts in found for post in posts}

    async def places_of(self, author_ids: Sequence[int], before_place: int, limit: int) -> Mapping[int, Sequence[int]]:
        """Return the newest places of some authors."""
        authors = list(dict.fromkeys(author_ids))
        found = await _bounded([self._places(author_id, before_place, limit) for author_id in authors])
        return dict(zip(authors, found, strict=True))

    async def close(self, place: Place) -> None:
        """Keep a post from ever appearing at a place."""
        await self._cassandra.execute(_REMOVE, write_time(place.place) + 1, place.author_id, place.place)

    async def improve(self, place: Place, medium: Medium) -> None:
        """Write a newer version of a medium, with the write time of the post's tombstone. On a tie the tombstone wins."""
        time = write_time(place.place) + 1
        await self._cassandra.execute(_IMPROVE, time, medium.media_id, medium.encoded, place.author_id, place.place)

    async def _at(self, author_id: int, place: int) -> PublishedPost | None:
        rows = await self._cassandra.execute(_AT, author_id, place)
        return _post(rows[0]) if rows and _is_whole(rows[0]) else None

    async def _of_author(self, author_id: int, places: Sequence[int]) -> Sequence[PublishedPost]:
        """Return the posts at some places. One replica may confirm that a post exists; only a quorum that it does not."""
        rows = await self._cassandra.execute(_AT_PLACES, author_id, places, len(places))
        rows = [row for row in rows if _is_whole(row)]
        found = {place for _, place, *_ in rows}
        if missing := [place for place in places if place not in found]:
            more = await self._cassandra.execute(_AT_PLACES_AT_QUORUM, author_id, missing, len(missing))
            rows += [row for row in more if _is_whole(row)]
        return [_post(row) for row in rows]

    async def _places(self, author_id: int, before_place: int, limit: int) -> Sequence[int]:
        return [place for (place,) in await self._cassandra.execute(_PLACES, author_id, before_place, limit)]


async def _bounded(reads: Sequence[Awaitable[T]]) -> list[T]:
    turn = asyncio.Semaphore(PARTITIONS_AT_ONCE)

    async def one(each: Awaitable[T]) -> T:
        async with turn:
            return await each

    return await asyncio.gather(*(one(each) for each in reads))


def _is_whole(row: tuple[Any, ...]) -> bool:
    """Return whether a replica has all of a post: one that lags may have its improved media and nothing else."""
    *_, post_id, caption, manifest, _ = row
    return None not in (post_id, caption, manifest)


def _post(row: tuple[Any, ...]) -> PublishedPost:
    author_id, place, post_id, caption, manifest, improved = row
    return PublishedPost(PublicId(post_id, author_id), place, caption, manifest + b"".join((improved or {}).values()))
