"""The other services, behind feed_svc's ports."""

import asyncio
from collections.abc import Mapping, Sequence

import grpc
from lensfeed.feed.v1 import feed_service_pb2
from lensfeed.follow.v1 import follow_internal_service_pb2 as follow_pb2
from lensfeed.follow.v1.follow_internal_service_pb2_grpc import FollowInternalServiceStub
from lensfeed.media.v1 import media_internal_service_pb2 as media_pb2
from lensfeed.media.v1.media_internal_service_pb2_grpc import MediaInternalServiceStub
from lensfeed.post.v1 import post_internal_service_pb2 as post_pb2
from lensfeed.post.v1.post_internal_service_pb2_grpc import PostInternalServiceStub
from lensfeed.user.v1 import user_internal_service_pb2 as user_pb2
from lensfeed.user.v1.user_internal_service_pb2_grpc import UserInternalServiceStub

from feed_svc.card_marks import PRIVATE, PUBLIC, UNKNOWN
from feed_svc.fan_out.chunks import FollowerPage
from feed_svc.model import Entry, Places, author_of, entry_of, place_of
from meshkit.errors import UnavailableError
from meshkit.grpc.status import is_outage

MEDIA_SERVICE = "lensfeed.media.v1.MediaInternalService"
VIEWS_SECONDS = 2.0
# Cards are made without saying whether authors are private if follow_svc takes longer.
MARKS_SECONDS = 1.0
# A page of followers is one batch of pushes; a page of followees only fills a list.
FOLLOWERS_PAGE = 1_000
FOLLOWEES_PAGE = 10_000
# The authors in one call to post_svc, and how many of these calls one read makes at a time.
AUTHORS_PER_CALL = 200
CALLS_AT_ONCE = 4
# The most pairs that follow_svc compares in one call.
FILTER_LIMIT = 1_000
_MARKS = {follow_pb2.VISIBILITY_PUBLIC: PUBLIC, follow_pb2.VISIBILITY_PRIVATE: PRIVATE}


class GrpcGraph:
    """follow_svc as the Graph."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = FollowInternalServiceStub(channel)

    async def follower_page(self, author_id: int, token: str) -> FollowerPage:
        """Read a page of followers."""
        page = await self._stub.ListFollowerIds(
            follow_pb2.ListFollowerIdsRequest(user_id=author_id, page_token=token, page_size=FOLLOWERS_PAGE)
        )
        return FollowerPage(list(page.follower_ids), page.next_page_token)

    async def followees(self, viewer: int) -> list[int]:
        """Read all followees."""
        return (await self.followees_and_cut(viewer))[0]

    async def followees_and_cut(self, viewer: int) -> tuple[list[int], int]:
        """Read all pages. The first one has the last cut."""
        found: list[int] = []
        token, cut = "", 0
        while True:
            page = await self._stub.ListFolloweeIds(
                follow_pb2.ListFolloweeIdsRequest(user_id=viewer, page_token=token, page_size=FOLLOWEES_PAGE)
            )
            found.extend(page.followee_ids)
            cut = cut or page.last_cut
            token = page.next_page_token
            if not token:
                return found, cut

    async def last_cut(self, viewer: int) -> int:
        """Ask for one number."""
        return (await self._stub.GetLastCut(follow_pb2.GetLastCutRequest(user_id=viewer))).last_cut

    async def follows_anybody(self, viewer: int) -> bool:
        """Ask for one followee, muted or not."""
        page = await self._stub.ListFolloweeIds(
            follow_pb2.ListFolloweeIdsRequest(user_id=viewer, page_size=1, include_muted=True)
        )
        return bool(page.followee_ids)

    async def is_following(self, viewer: int, author_id: int) -> bool:
        """Ask for one pair."""
        return bool(await self.followed_among(viewer, [author_id]))

    async def followed_among(self, viewer: int, author_ids: Sequence[int]) -> set[int]:
        """Ask for many pairs at once, or for all followees if there are very many."""
        if len(author_ids) > FILTER_LIMIT:
            return set(await self.followees(viewer)).intersection(author_ids)
        answer = await self._stub.FilterFollowed(
            follow_pb2.FilterFollowedRequest(follower_id=viewer, followee_ids=author_ids)
        )
        return set(answer.followee_ids)

    async def follower_count(self, author_id: int) -> int | None:
        """Ask for the count."""
        answer = await self._stub.GetFollowerCount(follow_pb2.GetFollowerCountRequest(user_id=author_id))
        # A service of the version before says nothing about a count that it has.
        return answer.follower_count if answer.is_known or answer.follower_count else None


class GrpcPosts:
    """post_svc as the Posts."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = PostInternalServiceStub(channel)

    async def newest(self, author_ids: Sequence[int], below_place: int | None, limit: int) -> list[Places]:
        """Read authors' newest places in batches, a few calls at a time."""
        turn = asyncio.Semaphore(CALLS_AT_ONCE)

        async def read(some: Sequence[int]) -> list[Places]:
            request = post_pb2.BatchListPlacesRequest(
                author_ids=some, before_place=below_place or 0, limit_per_author=limit
            )
            async with turn:
                answer = await self._stub.BatchListPlaces(request)
            return [Places(each.author_id, list(each.places), len(each.places) < limit) for each in answer.authors]

        batches = [
            author_ids[start : start + AUTHORS_PER_CALL] for start in range(0, len(author_ids), AUTHORS_PER_CALL)
        ]
        return [places for found in await asyncio.gather(*map(read, batches)) for places in found]


class GrpcViews:
    """media_svc as the counter of views."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = MediaInternalServiceStub(channel)

    async def __call__(self, views: Mapping[str, int]) -> None:
        """Report how often media were shown. Raises UnavailableError if the call fails."""
        try:
            await self._stub.CountViews(media_pb2.CountViewsRequest(views=views), timeout=VIEWS_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise UnavailableError from error


def media_of(item: bytes) -> list[str]:
    """Return the ids of the media of a card."""
    return [medium.media_id for medium in feed_service_pb2.FeedItem.FromString(item).post.media]


class GrpcCardSource:
    """post_svc, user_svc and follow_svc as the CardSource."""

    def __init__(
        self, post_channel: grpc.aio.Channel, user_channel: grpc.aio.Channel, follow_channel: grpc.aio.Channel
    ) -> None:
        self._posts = PostInternalServiceStub(post_channel)
        self._users = UserInternalServiceStub(user_channel)
        self._graph = FollowInternalServiceStub(follow_channel)

    async def make(self, entries: Sequence[Entry]) -> Mapping[Entry, bytes]:
        """Read posts and authors side by side. A post whose author is gone has no card.

        While follow_svc is down, cards are made without saying whether their authors are private.
        """
        places = [post_pb2.PostPlace(author_id=author_of(entry), place=place_of(entry)) for entry in entries]
        authors = sorted({place.author_id for place in places})
        posts, users, marks = await asyncio.gather(
            self._posts.BatchGetPosts(post_pb2.BatchGetPostsRequest(places=places)),
            self._users.BatchGetUsers(user_pb2.BatchGetUsersRequest(user_ids=authors)),
            self._marks(authors),
        )
        by_id = {user.user_id: user for user in users.users}
        return {
            entry_of(placed.place.place, placed.place.author_id): feed_service_pb2.FeedItem(
                post=placed.post, author=by_id[placed.post.author_id]
            ).SerializeToString()
            + marks.get(placed.post.author_id, UNKNOWN)
            for placed in posts.posts
            if placed.post.author_id in by_id
        }

    async def _marks(self, authors: Sequence[int]) -> Mapping[int, bytes]:
        """Return how the cards of each author end."""
        try:
            answer = await self._graph.GetSights(follow_pb2.GetSightsRequest(user_ids=authors), timeout=MARKS_SECONDS)
        except grpc.aio.AioRpcError as error:
            if not is_outage(error):
                raise
            return {}
        return {sight.user_id: _MARKS.get(sight.visibility, UNKNOWN) for sight in answer.sights}
