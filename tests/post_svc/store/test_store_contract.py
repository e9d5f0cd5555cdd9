"""The contract of every store of posts."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from dataclasses import replace

import pytest
from lensfeed.events.v1 import event_pb2

from meshkit.events import OutboxRecord, new_record
from meshkit.events.outbox import MINUTE_MS
from meshkit.idempotency import TTL_MS, Claim
from meshkit.ids import MAX_ID, PublicId, id_millis, new_id
from post_svc.model import DeletedPost, Medium, MediumState, Place, PublishedPost, WaitingPost
from post_svc.store import PostStore
from post_svc.store.port import DELETION_TTL_MS
from tests.post_svc.clients import published_and_deleted, some_user
from tests.post_svc.post_stores import OpenStore, manifest_with

NOW = time.time_ns() // 1_000_000


@pytest.fixture
def store(opened: OpenStore) -> PostStore:
    """Return the store under test."""
    return opened.posts


def _media(count: int) -> tuple[str, ...]:
    """Return media ids of this test alone."""
    return tuple(str(PublicId(new_id(), some_user())) for _ in range(count))


def _some_minute() -> int:
    """Pick a minute that hardly any other test uses. Returns its first millisecond."""
    return NOW // MINUTE_MS * MINUTE_MS - secrets.randbelow(1_000_000) * MINUTE_MS


def _waiting(
    author_id: int | None = None, media_ids: tuple[str, ...] | None = None, now: int | None = None
) -> WaitingPost:
    post = PublicId(new_id(NOW if now is None else now), author_id or some_user())
    return WaitingPost(post, "Füße 🐾", media_ids or _media(2))


async def _at_most(count: int, calls: Iterable[Awaitable[object]]) -> None:
    """Run calls with limited concurrency."""
    turn = asyncio.Semaphore(count)

    async def one(call: Awaitable[object]) -> None:
        async with turn:
            await call

    await asyncio.gather(*(one(call) for call in calls))


def _published(post: PublicId, place: int | None = None) -> PublishedPost:
    return PublishedPost(post, place or post.local, "Füße 🐾\n", manifest_with("m-1", "m-2"))


def _event(post: PublishedPost) -> list[OutboxRecord]:
    return [new_record(event_pb2.PostPublished(author_id=post.id.owner, place=post.place))]


def _farewell(post: PublishedPost) -> list[OutboxRecord]:
    return [new_record(event_pb2.PostDeleted(author_id=post.id.owner, place=post.place))]


async def _all(found: AsyncIterator[PublicId]) -> list[PublicId]:
    return [each async for each in found]


async def _publish_some(store: PostStore, author_id: int, count: int) -> list[PublishedPost]:
    """Publish posts in random order. Returns them newest first."""
    posts = [_published(PublicId(new_id(NOW + (number * 7) % count), author_id)) for number in range(count)]
    for post in posts:
        assert await store.publish(post, [])
    return sorted(posts, key=lambda post: post.place, reverse=True)


async def test_first_claim_of_a_key_binds_it(store: PostStore) -> None:
    """Later claims of a key return the first one."""
    author, first = some_user(), Claim(new_id(), b"f" * 32, NOW)
    assert await store.claim_key(author, "k", first) == first
    assert await store.claim_key(author, "k", Claim(new_id(), b"g" * 32, NOW + 1)) == first


async def test_keys_of_others_and_other_keys_are_free(store: PostStore) -> None:
    """A key is bound for one author, exactly as spelled."""
    author, first = some_user(), Claim(new_id(), b"f" * 32, NOW)
    await store.claim_key(author, "k", first)
    for owner, key in ((some_user(), "k"), (author, "K"), (author, "k ")):
        other = Claim(new_id(), b"g" * 32, NOW)
        assert await store.claim_key(owner, key, other) == other


async def test_claims_at_once_agree(store: PostStore) -> None:
    """Concurrent claims all return the same one."""
    author = some_user()
    claims = [Claim(new_id(), b"f" * 32, NOW) for _ in range(20)]
    winners = await asyncio.gather(*(store.claim_key(author, "k", claim) for claim in claims))
    assert len(set(winners)) == 1
    assert winners[0] in claims


async def test_claim_ends_after_a_day(store: PostStore) -> None:
    """A key is bound for 24 hours, to the millisecond, and then free again."""
    author, first = some_user(), Claim(new_id(), b"f" * 32, NOW)
    await store.claim_key(author, "k", first)
    assert await store.claim_key(author, "k", Claim(new_id(), b"f" * 32, NOW + TTL_MS - 1)) == first
    second = Claim(new_id(), b"f" * 32, NOW + TTL_MS)
    assert await store.claim_key(author, "k", second) == second


async def test_unknown_post_is_none(store: PostStore) -> None:
    """Finding an unknown post returns None."""
    assert await store.find(PublicId(new_id(), some_user())) is None


async def test_waiting_post_is_found_as_it_was_stored(store: PostStore) -> None:
    """Caption and media order are kept. Another author's post with the same number is a different one."""
    post = _waiting(media_ids=tuple(sorted(_media(3), reverse=True)))
    await store.add_waiting(post)
    assert await store.find(post.id) == post
    assert await store.find(PublicId(post.id.local, some_user())) is None


async def test_post_published_at_once_is_found(store: PostStore) -> None:
    """A post that was published at its own id is found by it."""
    post = _published(PublicId(new_id(), some_user()))
    assert await store.publish(post, [])
    assert await store.find(post.id) == post


def _improved(media_id: str, encoded: bytes) -> Medium:
    return Medium(media_id, MediumState.READY, encoded)


async def test_improved_media_join_the_manifest(store: PostStore) -> None:
    """Newer versions of media are appended once, and every way of reading the post returns them."""
    author = some_user()
    post, other = [_published(PublicId(new_id(NOW - number), author)) for number in range(2)]
    for each in (post, other):
        assert await store.publish(each, [])
    place = Place(author, post.place)
    versions = [_improved(media_id, manifest_with(media_id, text="better")) for media_id in sorted(_media(2))]
    for version in (*versions, versions[0]):
        await store.improve_medium(place, version)
    expected = replace(post, manifest=post.manifest + b"".join(each.encoded for each in versions))
    assert await store.find(post.id) == expected
    assert await store.list_posts(author, MAX_ID, 9) == [expected, other]
    assert await store.posts_at([place]) == {place: expected}
    # Publishing again after a lost answer changes nothing.
    await store.publish(post, [])
    assert await store.find(post.id) == expected


async def test_improved_media_bring_no_post_back(store: PostStore) -> None:
    """A deleted post stays gone, whether its medium was improved before or after."""
    author = some_user()
    post = _published(PublicId(new_id(), author))
    place, (before, after) = Place(author, post.place), _media(2)
    assert await store.publish(post, [])
    await store.improve_medium(place, _improved(before, manifest_with(before)))
    assert await store.delete(post.id, post.place, NOW, [])
    await store.improve_medium(place, _improved(after, manifest_with(after)))
    assert isinstance(await store.find(post.id), DeletedPost)
    assert await store.list_posts(author, MAX_ID, 9) == []
    assert await store.posts_at([place]) == {}
    assert await store.places_of([author], MAX_ID, 9) == {author: []}


async def test_post_that_waited_is_found_by_its_id_only(store: PostStore) -> None:
    """A post whose place is not its id is found by its id, and not by an id that equals its place."""
    waiting = _waiting()
    await store.add_waiting(waiting)
    place = await store.claim_place(waiting.id, new_id(NOW + 5000))
    assert place is not None
    post = _published(waiting.id, place)
    assert await store.publish(post, [])
    assert await store.find(waiting.id) == post
    assert await store.find(PublicId(place, waiting.id.owner)) is None


async def test_adding_again_changes_nothing(store: PostStore) -> None:
    """Adding a waiting post again keeps its claimed place."""
    post = _waiting()
    await store.add_waiting(post)
    place = await store.claim_place(post.id, new_id())
    await store.add_waiting(post)
    assert await store.find(post.id) == WaitingPost(post.id, post.caption, post.media_ids, place)
    assert await store.waiting_for(post.media_ids[0]) == [post.id]


async def test_waiting_post_is_published_at_its_claimed_place_alone(store: PostStore) -> None:
    """A post published at once does not take the place of a waiting post with the same id."""
    waiting = _waiting()
    assert await store.add_waiting(waiting)
    assert not await store.add_waiting(replace(waiting, caption="another"))
    assert not await store.publish(_published(waiting.id), [])
    assert await store.find(waiting.id) == waiting


async def test_what_was_published_or_deleted_waits_no_more(store: PostStore) -> None:
    """A late write of a waiting post brings nothing back."""
    published, deleted = _waiting(), _waiting()
    await store.publish(_published(published.id), [])
    await store.add_waiting(deleted)
    assert await store.withdraw(deleted.id, NOW)
    for post in (published, deleted):
        await store.add_waiting(post)
    assert await store.find(published.id) == _published(published.id)
    assert await store.find(deleted.id) == DeletedPost(deleted.id)
    for media_id in (*published.media_ids, *deleted.media_ids):
        assert await store.waiting_for(media_id) == []


async def test_first_claim_of_a_place_holds(store: PostStore) -> None:
    """Concurrent publishers all get the same place."""
    post = _waiting()
    await store.add_waiting(post)
    proposed = [new_id() for _ in range(20)]
    places = await asyncio.gather(*(store.claim_place(post.id, place) for place in proposed))
    assert len(set(places)) == 1
    assert places[0] in proposed
    found = await store.find(post.id)
    assert isinstance(found, WaitingPost)
    assert found.place == places[0]


async def test_a_late_claim_of_a_place_is_replaced(store: PostStore) -> None:
    """If a publisher died with its place, the next one gets a fresh place, and only there the post can be published."""
    waiting = _waiting()
    assert await store.add_waiting(waiting)
    late, soon, fresh = [new_id(NOW + seconds * 1000) for seconds in (0, 9, 60)]
    assert await store.claim_place(waiting.id, late) == late
    assert await store.claim_place(waiting.id, soon) == late
    assert await store.claim_place(waiting.id, fresh) == fresh
    assert not await store.publish(_published(waiting.id, late), [])
    assert await store.publish(_published(waiting.id, fresh), [])


async def test_only_waiting_posts_get_a_place(store: PostStore) -> None:
    """An absent, published or deleted post gets no place."""
    published, deleted = _waiting(), _waiting()
    await store.publish(_published(published.id), [])
    await store.add_waiting(deleted)
    await store.withdraw(deleted.id, NOW)
    for post in (published.id, deleted.id, PublicId(new_id(), some_user())):
        assert await store.claim_place(post, new_id()) is None


async def test_publishing_writes_the_event_once(opened: OpenStore) -> None:
    """Of concurrent publications of one post exactly one happens and writes its event."""
    post = _waiting()
    await opened.posts.add_waiting(post)
    place = await opened.posts.claim_place(post.id, new_id())
    published = _published(post.id, place)
    outcomes = await asyncio.gather(*(opened.posts.publish(published, _event(published)) for _ in range(10)))
    assert sorted(outcomes) == [False] * 9 + [True]
    assert await published_and_deleted(opened.outbox, post.id.owner) == ([place], [])


async def test_publishing_ends_the_waiting(store: PostStore) -> None:
    """A published post waits for no medium and is in no list of waiting posts."""
    post = _waiting(now=_some_minute())
    await store.add_waiting(post)
    assert await _all(store.waiting_since(_minute_of([post]))) == [post.id]
    place = await store.claim_place(post.id, new_id())
    await store.publish(_published(post.id, place), [])
    assert [await store.waiting_for(each) for each in post.media_ids] == [[], []]
    assert await _all(store.waiting_since(_minute_of([post]))) == []


async def test_post_is_published_at_the_claimed_place_only(opened: OpenStore) -> None:
    """Once a place is claimed, the post is published nowhere else."""
    post = _waiting()
    await opened.posts.add_waiting(post)
    place = await opened.posts.claim_place(post.id, new_id())
    elsewhere = _published(post.id)
    assert not await opened.posts.publish(elsewhere, _event(elsewhere))
    assert await opened.posts.publish(_published(post.id, place), [])
    assert await published_and_deleted(opened.outbox, post.id.owner) == ([], [])


async def test_withdrawn_post_is_never_published(opened: OpenStore) -> None:
    """A deletion before the claim of a place wins over all publishers."""
    post = _waiting()
    await opened.posts.add_waiting(post)
    assert await opened.posts.withdraw(post.id, NOW)
    assert await opened.posts.find(post.id) == DeletedPost(post.id)
    assert await opened.posts.waiting_for(post.media_ids[0]) == []
    assert not await opened.posts.publish(_published(post.id, new_id()), _event(_published(post.id)))
    assert await opened.posts.find(post.id) == DeletedPost(post.id)
    assert await published_and_deleted(opened.outbox, post.id.owner) == ([], [])


async def test_only_a_waiting_post_without_a_place_is_withdrawn(store: PostStore) -> None:
    """An absent, claimed or published post cannot be withdrawn and stays as it is."""
    claimed, published = _waiting(), _waiting()
    await store.add_waiting(claimed)
    place = await store.claim_place(claimed.id, new_id())
    await store.publish(_published(published.id), [])
    for post in (claimed.id, published.id, PublicId(new_id(), some_user())):
        assert not await store.withdraw(post, NOW)
    assert await store.find(claimed.id) == WaitingPost(claimed.id, claimed.caption, claimed.media_ids, place)
    assert await store.find(published.id) == _published(published.id)


async def test_deletion_writes_its_event_once(opened: OpenStore) -> None:
    """Of concurrent deletions of one post exactly one happens and writes its event."""
    post = _published(PublicId(new_id(), some_user()))
    await opened.posts.publish(post, _event(post))
    outcomes = await asyncio.gather(
        *(opened.posts.delete(post.id, post.place, NOW, _farewell(post)) for _ in range(10))
    )
    assert sorted(outcomes) == [False] * 9 + [True]
    assert await opened.posts.find(post.id) == DeletedPost(post.id)
    assert await opened.posts.list_posts(post.id.owner, MAX_ID, 10) == []
    assert await published_and_deleted(opened.outbox, post.id.owner) == ([post.place], [post.place])


async def test_deletion_of_a_claimed_post_comes_before_its_publication(opened: OpenStore) -> None:
    """A slow publisher that has its place publishes nothing after the deletion."""
    waiting = _waiting()
    await opened.posts.add_waiting(waiting)
    place = await opened.posts.claim_place(waiting.id, new_id())
    assert place is not None
    post = _published(waiting.id, place)
    assert await opened.posts.delete(waiting.id, place, NOW, _farewell(post))
    assert not await opened.posts.publish(post, _event(post))
    assert await opened.posts.find(waiting.id) == DeletedPost(waiting.id)
    assert await opened.posts.waiting_for(waiting.media_ids[0]) == []
    assert await published_and_deleted(opened.outbox, waiting.id.owner) == ([], [place])


async def test_deletion_of_a_post_that_waited_leaves_nothing(store: PostStore) -> None:
    """A deleted post is found neither by its id nor by its place."""
    waiting = _waiting()
    await store.add_waiting(waiting)
    place = await store.claim_place(waiting.id, new_id())
    assert place is not None
    await store.publish(_published(waiting.id, place), [])
    assert await store.delete(waiting.id, place, NOW, [])
    assert await store.find(waiting.id) == DeletedPost(waiting.id)
    assert await store.posts_at([Place(waiting.id.owner, place)]) == {}


async def test_deletion_is_remembered_for_a_month(store: PostStore) -> None:
    """A deletion is remembered for 30 days, longer than any retry of the post's creation."""
    post, others = _published(PublicId(new_id(), some_user())), [_waiting() for _ in range(3)]
    await store.publish(post, [])
    await store.delete(post.id, post.place, NOW, [])
    for other in others:
        await store.add_waiting(other)
    await store.withdraw(others[0].id, NOW + DELETION_TTL_MS - 1)
    assert await store.find(post.id) == DeletedPost(post.id)


async def test_posts_are_listed_newest_first_below_a_place(store: PostStore) -> None:
    """A page has only the author's posts, sorted by place, without the bound itself."""
    author = some_user()
    posts = await _publish_some(store, author, 7)
    await _publish_some(store, some_user(), 3)
    assert await store.list_posts(author, MAX_ID, 100) == posts
    assert await store.list_posts(author, posts[2].place, 3) == posts[3:6]
    assert await store.list_posts(author, posts[-1].place, 3) == []
    assert await store.list_posts(some_user(), MAX_ID, 3) == []


async def test_posts_at_places(store: PostStore) -> None:
    """Posts of several authors are read at once. A place with the wrong author is empty."""
    mine, yours = await _publish_some(store, some_user(), 3), await _publish_some(store, some_user(), 2)
    wanted = [Place(post.id.owner, post.place) for post in (*mine[1:], *yours)]
    wrong = Place(mine[0].id.owner, yours[0].place)
    found = await store.posts_at([wrong, *wanted])
    assert found == dict(zip(wanted, (*mine[1:], *yours), strict=True))


async def test_places_of_authors(store: PostStore) -> None:
    """Each author's newest places below the bound are returned, up to the limit. Authors without posts get an empty list."""
    mine, yours, nobody = await _publish_some(store, some_user(), 5), await _publish_some(store, some_user(), 1), 77
    authors = [mine[0].id.owner, nobody, yours[0].id.owner]
    found = await store.places_of(authors, MAX_ID, 3)
    assert found == {
        authors[0]: [post.place for post in mine[:3]],
        nobody: [],
        authors[2]: [yours[0].place],
    }
    assert (await store.places_of(authors, mine[3].place, 3))[authors[0]] == [mine[4].place]


async def test_posts_are_found_by_their_media(store: PostStore) -> None:
    """A published post is found by each of its media, newest first, below a place; a deleted one is not found any more."""
    author, (one, two) = some_user(), _media(2)
    posts = [PublicId(new_id(NOW + number), author) for number in range(3)]
    shown = [PublishedPost(each, each.local, "", manifest_with(one, two)) for each in posts]
    for post in shown:
        assert await store.publish(post, [])
    places = [Place(author, post.place) for post in reversed(shown)]
    for media_id in (one, two):
        assert await store.places_showing(author, media_id, MAX_ID, 9) == places
    assert await store.places_showing(author, one, places[0].place, 1) == [places[1]]
    assert await store.places_showing(some_user(), one, MAX_ID, 9) == []
    assert await store.delete(posts[1], posts[1].local, NOW, [])
    assert await store.places_showing(author, two, MAX_ID, 9) == [places[0], places[2]]


async def test_post_that_waited_is_found_by_its_media(store: PostStore) -> None:
    """A post that waited is in the index where it was published."""
    waiting = _waiting()
    assert await store.add_waiting(waiting)
    place = await store.claim_place(waiting.id, new_id(NOW + 5000))
    assert place is not None
    await store.publish(PublishedPost(waiting.id, place, "", manifest_with(*waiting.media_ids)), [])
    found = await store.places_showing(waiting.id.owner, waiting.media_ids[0], MAX_ID, 9)
    assert found == [Place(waiting.id.owner, place)]


async def test_posts_can_be_indexed_again(store: PostStore) -> None:
    """Indexing a post twice changes nothing, and indexing a deleted one brings nothing back."""
    author, (medium,) = some_user(), _media(1)
    kept, gone = [
        PublishedPost(each, each.local, "", manifest_with(medium))
        for each in (PublicId(new_id(NOW - number), author) for number in range(2))
    ]
    for post in (kept, gone):
        assert await store.publish(post, [])
    assert await store.delete(gone.id, gone.place, NOW, [])
    await store.index_posts([kept, gone])
    assert await store.places_showing(author, medium, MAX_ID, 9) == [Place(author, kept.place)]


async def test_every_author_comes_once(store: PostStore) -> None:
    """A walk over the authors of published posts meets each of them."""
    authors = {some_user() for _ in range(5)}
    for author in authors:
        await _publish_some(store, author, 2)
    met: list[int] = []
    position = None
    while page := await store.authors_after(position, 3):
        met += [author for _, author in page]
        position = page[-1][0]
    assert authors <= set(met)
    assert len(met) == len(set(met))


async def test_every_post_that_waits_for_a_medium_is_told(store: PostStore) -> None:
    """Every post that waits for a medium is returned."""
    author = some_user()
    one, both, other, none = _media(4)
    first, second = _waiting(author, (one, both)), _waiting(author, (both, other))
    for post in (first, second):
        await store.add_waiting(post)
    assert await store.waiting_for(one) == [first.id]
    assert sorted(await store.waiting_for(both)) == sorted([first.id, second.id])
    assert await store.waiting_for(none) == []


def _minute_of(posts: Sequence[WaitingPost]) -> int:
    return id_millis(posts[0].id.local) // MINUTE_MS


async def test_waiting_posts_of_a_minute(store: PostStore) -> None:
    """Every waiting post of a minute is returned once, however many there are, and none of other minutes."""
    start = _some_minute()
    inside = [_waiting(now=start + (number * 999) % MINUTE_MS) for number in range(250)]
    # Ids with the same ending share a shard, however a store splits a minute: together they are more than a page.
    inside = [replace(post, id=PublicId(post.id.local // 256 * 256, post.id.owner)) for post in inside]
    edges = [_waiting(now=start), _waiting(now=start + MINUTE_MS - 1)]
    outside = [_waiting(now=start - 1), _waiting(now=start + MINUTE_MS)]
    await _at_most(16, (store.add_waiting(post) for post in (*inside, *edges, *outside)))
    found = await _all(store.waiting_since(_minute_of(edges)))
    assert len(found) == 252
    assert set(found) == {post.id for post in (*inside, *edges)}


async def test_many_posts_wait_for_one_medium(store: PostStore) -> None:
    """All posts that wait for a medium are returned, even if they are more than a page."""
    author, media = some_user(), _media(1)
    posts = [_waiting(author, media, NOW + number) for number in range(250)]
    await _at_most(16, (store.add_waiting(post) for post in posts))
    found = await store.waiting_for(media[0])
    assert len(found) == 250
    assert set(found) == {post.id for post in posts}


async def test_long_timeline_is_read_whole(store: PostStore) -> None:
    """Each of an author's posts is returned once, by pages and by places."""
    author = some_user()
    posts = [_published(PublicId(new_id(NOW + number), author)) for number in range(600)]
    await _at_most(16, (store.publish(post, []) for post in posts))
    pages: list[PublishedPost] = []
    before = MAX_ID
    while page := await store.list_posts(author, before, 101):
        pages += page
        before = page[-1].place
    assert pages == posts[::-1]
    places = [Place(author, post.place) for post in posts]
    assert await store.posts_at(places) == dict(zip(places, posts, strict=True))
    assert await store.places_of([author], MAX_ID, 1_000) == {author: [post.place for post in posts[::-1]]}


async def test_ids_at_the_edges_of_their_range(store: PostStore) -> None:
    """The lowest and the highest id work as post ids and as places."""
    author = some_user()
    posts = [_published(PublicId(local, author)) for local in (1, MAX_ID - 1)]
    for post in posts:
        assert await store.publish(post, [])
        assert await store.find(post.id) == post
    assert await store.list_posts(author, MAX_ID, 10) == posts[::-1]
    for post in posts:
        assert await store.delete(post.id, post.place, NOW, [])
        assert await store.find(post.id) == DeletedPost(post.id)
    assert await store.list_posts(author, MAX_ID, 10) == []


async def test_largest_post_is_kept(opened: OpenStore) -> None:
    """The longest caption with ten media and the longest texts is stored with its event and read back."""
    waiting = _waiting(now=_some_minute())
    await opened.posts.add_waiting(waiting)
    place = await opened.posts.claim_place(waiting.id, new_id())
    assert place is not None
    post = PublishedPost(waiting.id, place, "🐾" * 2_200, manifest_with("m", text=secrets.token_hex(30_000)))
    assert await opened.posts.publish(post, _event(post))
    assert await opened.posts.find(post.id) == post
    assert await opened.posts.waiting_for(waiting.media_ids[0]) == []
    assert await _all(opened.posts.waiting_since(_minute_of([waiting]))) == []
    assert await opened.posts.delete(post.id, place, NOW, _farewell(post))
    assert await opened.posts.find(post.id) == DeletedPost(post.id)
    published, deleted = await published_and_deleted(opened.outbox, post.id.owner)
    assert (set(published), deleted) == ({place}, [place]), "a store may announce a large post twice"


async def test_publication_and_deletion_at_once_leave_nothing(opened: OpenStore) -> None:
    """When publishers and deletions of a post with a place race, the deletions win, once."""
    for _ in range(10):
        waiting = _waiting()
        await opened.posts.add_waiting(waiting)
        place = await opened.posts.claim_place(waiting.id, new_id())
        assert place is not None
        post = _published(waiting.id, place)
        outcomes = await asyncio.gather(
            *(opened.posts.publish(post, _event(post)) for _ in range(3)),
            *(opened.posts.delete(post.id, place, NOW, _farewell(post)) for _ in range(3)),
        )
        assert await opened.posts.find(post.id) == DeletedPost(post.id)
        assert await opened.posts.list_posts(post.id.owner, MAX_ID, 10) == []
        published, deleted = await published_and_deleted(opened.outbox, post.id.owner)
        assert (len(published), len(deleted)) == (sum(outcomes[:3]), sum(outcomes[3:]))
        assert len(deleted) == 1
