"""Creates people, posts and follows through the services' own stores, before the services start."""

import contextlib
import hashlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar, cast

from lensfeed.media.v1 import media_pb2
from lensfeed.post.v1 import post_pb2

from follow_svc.model import Follow
from follow_svc.store.sqlite import MIGRATIONS as FOLLOW_MIGRATIONS
from follow_svc.store.sqlite import SqliteFollowStore
from meshkit.events.sqlite_outbox import MIGRATIONS as OUTBOX_MIGRATIONS
from meshkit.ids import PublicId, id_millis
from meshkit.sqlite import Database, open_database
from post_svc.model import PublishedPost
from post_svc.store.sqlite import MIGRATIONS as POST_MIGRATIONS
from post_svc.store.sqlite import SqlitePostStore
from user_svc.model import Account, User
from user_svc.store.sqlite import MIGRATIONS as USER_MIGRATIONS
from user_svc.store.sqlite import SqliteUserStore

T = TypeVar("T")
# The renditions of a 12-megapixel photo.
WIDTHS = (320, 640, 1080, 1440)
FORMATS = ("avif", "webp", "jpeg")
CAPTION = "Morning light over the harbour, before the first boats came in. #film #fog"
NO_LIMIT = 1 << 62


class World:
    """Writes people, posts and follows with the caller's ids and places."""

    def __init__(self, users: SqliteUserStore, posts: SqlitePostStore, follows: SqliteFollowStore) -> None:
        self._users = users
        self._posts = posts
        self._follows = follows

    async def add_people(self, user_ids: Iterable[int]) -> None:
        """Add accounts."""
        for number, user_id in enumerate(user_ids):
            handle = f"person.{number:06d}"
            user = User(user_id, handle, f"Person {number:06d}", id_millis(user_id), "Photos from the coast")
            await self._users.add_account(Account(user, ""))

    async def add_posts(self, author_id: int, places: Iterable[int]) -> None:
        """Add published posts, each with a photo in all renditions."""
        for place in places:
            await publish(self._posts, author_id, place)

    async def add_follows(self, follower_ids: Iterable[int], followee_ids: Sequence[int]) -> None:
        """Let each follower follow all followees."""
        for follower_id in follower_ids:
            for followee_id in followee_ids:
                await self._follows.add_follow(Follow(follower_id, followee_id, 0), NO_LIMIT, [])


@contextlib.asynccontextmanager
async def new_world(folder: Path) -> AsyncIterator[World]:
    """Open the stores in `folder`/sqlite. All writes are committed when the block ends."""
    async with (
        _in_one_transaction(folder / "sqlite" / "user_svc.db", USER_MIGRATIONS) as users,
        _in_one_transaction(folder / "sqlite" / "post_svc.db", POST_MIGRATIONS) as posts,
        _in_one_transaction(folder / "sqlite" / "follow_svc.db", FOLLOW_MIGRATIONS) as follows,
    ):
        yield World(SqliteUserStore(users), SqlitePostStore(posts), SqliteFollowStore(follows))


async def publish(posts: SqlitePostStore, author_id: int, place: int) -> None:
    """Add a published post without an event."""
    post_id = PublicId(place, author_id)
    await posts.publish(PublishedPost(post_id, place, CAPTION, manifest_of(post_id)), [])


@contextlib.asynccontextmanager
async def open_posts(folder: Path) -> AsyncIterator[SqlitePostStore]:
    """Open the post store while the services run."""
    async with open_database(folder / "sqlite" / "post_svc.db", POST_MIGRATIONS, OUTBOX_MIGRATIONS) as database:
        yield SqlitePostStore(database)


class _Inline:
    """A Database that runs everything in one transaction, which is 20 times as fast for bulk writes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` on the connection."""
        return work(self._connection)

    read = write


@contextlib.asynccontextmanager
async def _in_one_transaction(path: Path, migrations: Path) -> AsyncIterator[Database]:
    async with open_database(path, migrations, OUTBOX_MIGRATIONS):
        pass  # create and migrate the database
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield cast("Database", _Inline(connection))
        connection.execute("COMMIT")


def manifest_of(media_id: PublicId) -> bytes:
    """Return the media of a post with one photo."""
    return post_pb2.Post(media=[ready_photo(media_id)]).SerializeToString()


def ready_photo(media_id: PublicId) -> media_pb2.Media:
    """Return a READY photo with all renditions."""
    name = hashlib.sha256(media_id.pack()).hexdigest()[:32]
    renditions = [
        media_pb2.Rendition(
            url=f"{media_id}/{name}.{kind}",
            content_type=f"image/{kind}",
            width=width,
            height=width * 3 // 4,
            size_bytes=width * 100,
        )
        for width in WIDTHS
        for kind in FORMATS
    ]
    return media_pb2.Media(
        media_id=str(media_id),
        state=media_pb2.MEDIA_STATE_READY,
        kind=media_pb2.MEDIA_KIND_PHOTO,
        width=4032,
        height=3024,
        thumbhash=bytes.fromhex(name)[:25],
        alt_text="A harbour at dawn",
        renditions=renditions,
    )
