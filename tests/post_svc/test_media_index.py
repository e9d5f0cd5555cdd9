"""Which posts use a medium: an index, and how posts of former versions get into it."""

from typing import Any

import pytest

from meshkit.cassandra import open_cassandra
from meshkit.ids import MAX_ID, PublicId, new_id
from meshkit.service_settings import ServiceSettings
from meshkit.sqlite import open_database
from post_svc.delete_post import DeletePost
from post_svc.events import PostEvents
from post_svc.filter_used_media import FilterUsedMedia
from post_svc.improve_posts import ImprovePosts
from post_svc.index_media import UPDATE_MS, IndexMedia
from post_svc.manifests import shows
from post_svc.model import IndexProgress, Medium, MediumState, Place, PublishedPost
from post_svc.store import PostStore
from post_svc.store.cassandra_timelines import publish_steps
from tests.post_svc.clients import some_user
from tests.post_svc.post_stores import OpenStore, manifest_with, until_it_answers

NOW = 1_800_000_000_000


class _Counted:
    """A store that counts the calls of each of its methods."""

    def __init__(self, store: PostStore) -> None:
        self._store = store
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.calls.append(name)
        return getattr(self._store, name)


class _Silent:
    """Sends nothing."""

    def send_soon(self, *records: object) -> None:
        """Do nothing."""


async def publish(store: PostStore, author: int, *media_ids: str) -> PublishedPost:
    """Publish a post."""
    post = PublicId(new_id(), author)
    published = PublishedPost(post, post.local, "", manifest_with(*media_ids))
    assert await store.publish(published, [])
    return published


async def publish_as_before(store: PostStore, settings: ServiceSettings, author: int, media_id: str) -> PublishedPost:
    """Publish a post as a process of the former version does: without the index."""
    if settings.store == "sqlite":
        post = await publish(store, author, media_id)
        async with open_database(settings.sqlite_dir / "post_svc.db") as database:
            await database.write(
                lambda connection: connection.execute("DELETE FROM posts_by_medium WHERE media_id = ?", (media_id,))
            )
        return post
    post_id = PublicId(new_id(), author)
    post = PublishedPost(post_id, post_id.local, "", manifest_with(media_id))
    async with open_cassandra(settings, "post") as cassandra:
        await until_it_answers(cassandra.check)
        await cassandra.execute_batch(*publish_steps(post))
    return post


async def test_media_are_looked_up_and_not_searched_for(opened: OpenStore) -> None:
    """With a complete index, deleting one of very many posts reads no other post of the author."""
    store, author = opened.posts, some_user()
    await store.set_index_progress(IndexProgress(NOW, None, is_done=True))
    medium, shared = str(PublicId(new_id(), author)), str(PublicId(new_id(), author))
    for _ in range(30):
        await publish(store, author, str(PublicId(new_id(), author)))
    await publish(store, author, shared)
    post = await publish(store, author, medium, shared)
    await DeletePost(store, PostEvents(_Silent()))(author, post.id)
    counted = _Counted(store)
    assert await FilterUsedMedia(counted)(author, [medium, shared]) == [shared]
    assert set(counted.calls) <= {"waiting_for", "places_showing", "posts_at", "index_progress"}
    assert len(counted.calls) < 10


async def test_posts_of_a_former_version_are_found_before_and_after_they_are_indexed(
    opened: OpenStore, store_settings: ServiceSettings
) -> None:
    """Until the walk is over, an author's posts are searched; it begins when no older process is left, and finds all."""
    store, author = opened.posts, some_user()
    await store.set_index_progress(IndexProgress(NOW))
    medium = str(PublicId(new_id(), author))
    post = await publish_as_before(store, store_settings, author, medium)
    assert await store.places_showing(author, medium, MAX_ID, 9) == []
    assert await FilterUsedMedia(store)(author, [medium, "another"]) == [medium]
    index = IndexMedia(store)
    assert not await index.walk(NOW + UPDATE_MS - 1)
    assert await store.places_showing(author, medium, MAX_ID, 9) == []
    assert await index.walk(NOW + UPDATE_MS)
    assert await store.places_showing(author, medium, MAX_ID, 9) == [Place(author, post.place)]
    assert await FilterUsedMedia(store)(author, [medium, "another"]) == [medium]
    assert await index.walk(NOW)


@pytest.mark.parametrize("count", [1, 12])
async def test_a_medium_of_deleted_posts_alone_is_unused(opened: OpenStore, count: int) -> None:
    """What is left of the index after a crash does not keep a medium: the posts themselves are asked."""
    store, author = opened.posts, some_user()
    await store.set_index_progress(IndexProgress(NOW, None, is_done=True))
    medium = str(PublicId(new_id(), author))
    posts = [await publish(store, author, medium) for _ in range(count)]
    assert await FilterUsedMedia(store)(author, [medium]) == [medium]
    for post in posts:
        await store.delete(post.id, post.place, NOW, [])
    assert await FilterUsedMedia(store)(author, [medium]) == []


@pytest.mark.parametrize("is_done", [False, True])
async def test_improved_media_reach_the_posts_that_show_them(opened: OpenStore, is_done: bool) -> None:
    """Better renditions reach every post of a medium, and no other, before and after the index is complete."""
    store, author = opened.posts, some_user()
    await store.set_index_progress(IndexProgress(NOW, None, is_done=is_done))
    medium = str(PublicId(new_id(), author))
    shown = [await publish(store, author, medium) for _ in range(3)]
    other = await publish(store, author, str(PublicId(new_id(), author)))
    better = Medium(medium, MediumState.READY, manifest_with(medium, text="better"))
    counted = _Counted(store)
    await ImprovePosts(counted, shows)(author, better)
    found = await store.posts_at([Place(author, post.place) for post in (*shown, other)])
    assert {place.place for place, post in found.items() if better.encoded in post.manifest} == {
        post.place for post in shown
    }
    assert ("list_posts" in counted.calls) is not is_done
