"""The stores while one of three replicas lags: it missed writes, and no hints will bring them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

import pytest

from devmesh.parts.cassandra.cluster import CassandraCluster, CassandraNode, running_cassandra
from follow_svc.model import Follow
from follow_svc.store.open import open_store as open_follows
from meshkit.errors import UnavailableError
from meshkit.ids import MAX_ID, PublicId, new_id
from meshkit.opened_store import Opened
from meshkit.service_settings import ServiceSettings
from post_svc.filter_used_media import FilterUsedMedia
from post_svc.model import IndexProgress, Medium, MediumState, Place, PublishedPost
from post_svc.store import PostStore
from post_svc.store.open import open_store as open_posts
from tests.post_svc.post_stores import manifest_with, until_it_answers
from user_svc.model import Account, ProfileChange, User
from user_svc.store.open import open_store as open_users

COUNT = 40
"""Enough for a read at LOCAL_ONE to meet the replica that lags, many times."""

PLENTY = 1_000
AT_ONCE = 8


@pytest.fixture(scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CassandraCluster]:
    """Run three nodes that keep no hints for each other."""
    folder = tmp_path_factory.mktemp("lagging")
    async with running_cassandra(folder, nodes=3, heap="256m", extra="hinted_handoff_enabled: false") as cluster:
        yield cluster


@pytest.fixture
def settings(cluster: CassandraCluster) -> ServiceSettings:
    """Return the settings of stores with three copies."""
    return ServiceSettings(
        store="cassandra",
        cassandra_contact_points=cluster.contact_points,
        cassandra_replication=cluster.replication,
        cassandra_keyspace_prefix=f"lagging_{new_id()}",
    )


@contextlib.asynccontextmanager
async def lagging(node: CassandraNode) -> AsyncIterator[None]:
    """Let a node miss what is written in the block."""
    node.pause()
    try:
        yield
    finally:
        node.resume()
    await node.answers()


async def each(work: Callable[[int], Awaitable[object]], numbers: Iterable[int] = range(COUNT)) -> list[object]:
    """Do some work for each number, a few at a time."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> object:
        async with turn:
            return await work(number)

    return await asyncio.gather(*map(one, numbers))


@pytest.mark.faults
async def test_a_follow_that_ended_is_not_confirmed(cluster: CassandraCluster, settings: ServiceSettings) -> None:
    """A repeated follow is not acknowledged because one replica still has the row; nor is the pair shown as following."""
    async with open_follows(settings) as (store, _, check):
        await until_it_answers(check)
        await each(lambda number: store.add_follow(Follow(1, 100 + number, 1), PLENTY, []))
        async with lagging(cluster.nodes[2]):
            await each(lambda number: store.remove_follow(1, 100 + number, []))
        for _ in range(3):
            assert await each(lambda number: store.confirm_follow(1, 100 + number, [])) == [None] * COUNT
            assert await each(lambda number: store.get_follow(1, 100 + number)) == [None] * COUNT
            assert await store.list_followees(1, None, PLENTY) == []
        added = await each(lambda number: store.add_follow(Follow(1, 100 + number, 2), PLENTY, []))
        assert [follow.is_new for follow in added] == [True] * COUNT  # type: ignore[attr-defined]  # AddedFollow
        assert len(await store.list_followees(1, None, PLENTY)) == COUNT


@pytest.mark.faults
async def test_media_in_use_are_never_called_unused(cluster: CassandraCluster, settings: ServiceSettings) -> None:
    """Media of posts that one replica has missed are in use, and posts of which it has a part are shown whole."""
    async with open_posts(settings) as opened:
        await until_it_answers(opened.check)
        store, author = opened.store, 7
        await store.set_index_progress(IndexProgress(1, None, is_done=True))
        posts = [_post(author, f"m-{number}") for number in range(COUNT)]
        async with lagging(cluster.nodes[2]):
            await each(lambda number: store.publish(posts[number], []))
        media = [f"m-{number}" for number in range(COUNT)]
        for _ in range(3):
            assert await FilterUsedMedia(store)(author, media) == media
        await _improve(opened, posts)
        places = [Place(author, post.place) for post in posts]
        for _ in range(3):
            assert set(await store.posts_at(places)) == set(places)
            listed = await store.list_posts(author, MAX_ID, COUNT)
            assert all(post.manifest and post.id.owner == author for post in listed)


@pytest.mark.faults
async def test_accounts_are_shown_whole(cluster: CassandraCluster, settings: ServiceSettings) -> None:
    """An account of which one replica has only a changed profile is shown whole and can log in."""
    async with open_users(settings) as (store, _, check):
        await until_it_answers(check)
        users = [User(100 + number, f"user.{number}", "", created_at=1) for number in range(COUNT)]
        async with lagging(cluster.nodes[2]):
            await each(lambda number: _surely(lambda: store.add_account(Account(users[number], "hash"))))
        await each(lambda number: store.change_profile(100 + number, ProfileChange(bio="changed"), []))
        for _ in range(3):
            found = await store.get_users([user.user_id for user in users])
            assert [(user.handle, user.bio) for user in found] == [(user.handle, "changed") for user in users]
            accounts = await each(lambda number: store.get_account(100 + number))
            assert all(isinstance(account, Account) and account.password_hash == "hash" for account in accounts)


async def _surely(work: Callable[[], Awaitable[object]]) -> object:
    """Do repeatable work, again while the node that stands still was picked to coordinate it."""
    while True:
        with contextlib.suppress(UnavailableError):
            return await work()


def _post(author: int, media_id: str) -> PublishedPost:
    post = PublicId(new_id(), author)
    return PublishedPost(post, post.local, "", manifest_with(media_id))


async def _improve(opened: Opened[PostStore], posts: list[PublishedPost]) -> None:
    """Give all posts better media: the replica that lags then has these and nothing else of a post."""
    better = manifest_with("better")
    await each(
        lambda number: opened.store.improve_medium(
            Place(posts[number].id.owner, posts[number].place), Medium("better", MediumState.READY, better)
        )
    )
