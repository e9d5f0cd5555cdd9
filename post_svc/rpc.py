# ruff: noqa: ARG002, N802 - the contract names the methods, and what they are given
"""Converts between protos and use cases."""

from typing import Any

from google.protobuf.message import Message
from lensfeed.post.v1 import (
    post_internal_service_pb2,
    post_internal_service_pb2_grpc,
    post_service_pb2,
    post_service_pb2_grpc,
)

from meshkit.call import caller_id, current_call
from meshkit.etags import compare_etag
from meshkit.sight import for_service, of_caller
from post_svc.batch_get_posts import BatchGetPosts
from post_svc.batch_list_places import BatchListPlaces
from post_svc.create_post import CreatePost
from post_svc.delete_post import DeletePost
from post_svc.filter_used_media import FilterUsedMedia
from post_svc.get_post import GetPost
from post_svc.list_user_posts import ListUserPosts
from post_svc.messages import Messages
from post_svc.model import Draft, Place, parse_post_id


class PostServicer(post_service_pb2_grpc.PostServiceServicer):
    """The public methods."""

    def __init__(
        self,
        create_post: CreatePost,
        get_post: GetPost,
        delete_post: DeletePost,
        list_user_posts: ListUserPosts,
        message: Messages,
    ) -> None:
        self._create_post = create_post
        self._get_post = get_post
        self._delete_post = delete_post
        self._list_user_posts = list_user_posts
        self._message = message

    async def CreatePost(
        self, request: post_service_pb2.CreatePostRequest, context: Any
    ) -> post_service_pb2.CreatePostResponse:
        """Create a post of the caller."""
        draft = Draft(request.caption, tuple(request.media_ids))
        post = await self._create_post(caller_id(), draft, current_call().idempotency_key)
        return post_service_pb2.CreatePostResponse(post_id=str(post.id), post=self._message(of_caller(post)))

    async def GetPost(self, request: post_service_pb2.GetPostRequest, context: Any) -> Any:
        """Return a post, or that it is as the caller knows it."""
        post = await self._get_post(caller_id(), parse_post_id(request.post_id))
        response = post_service_pb2.GetPostResponse(post=self._message(post))
        return await _unless_known(response, request.if_none_match, context)

    async def DeletePost(
        self, request: post_service_pb2.DeletePostRequest, context: Any
    ) -> post_service_pb2.DeletePostResponse:
        """Delete a post of the caller."""
        await self._delete_post(caller_id(), parse_post_id(request.post_id))
        return post_service_pb2.DeletePostResponse()

    async def ListUserPosts(self, request: post_service_pb2.ListUserPostsRequest, context: Any) -> Any:
        """List an author's posts, or say that the page is the one the caller knows."""
        posts, next_cursor = await self._list_user_posts(caller_id(), request.user_id, request.cursor, request.limit)
        response = post_service_pb2.ListUserPostsResponse(posts=map(self._message, posts), next_cursor=next_cursor)
        return await _unless_known(response, request.if_none_match, context)


class PostInternalServicer(post_internal_service_pb2_grpc.PostInternalServiceServicer):
    """The methods for the other services."""

    def __init__(
        self,
        batch_get_posts: BatchGetPosts,
        batch_list_places: BatchListPlaces,
        filter_used_media: FilterUsedMedia,
        message: Messages,
    ) -> None:
        self._batch_get_posts = batch_get_posts
        self._filter_used_media = filter_used_media
        self._batch_list_places = batch_list_places
        self._message = message

    async def BatchGetPosts(
        self, request: post_internal_service_pb2.BatchGetPostsRequest, context: Any
    ) -> post_internal_service_pb2.BatchGetPostsResponse:
        """Return the posts at some places."""
        posts = await self._batch_get_posts([Place(each.author_id, each.place) for each in request.places])
        response = post_internal_service_pb2.BatchGetPostsResponse()
        for post in posts:
            place = post_internal_service_pb2.PostPlace(author_id=post.id.owner, place=post.place)
            response.posts.add(place=place, post=self._message(for_service(post.view())))
        return response

    async def BatchListPlaces(
        self, request: post_internal_service_pb2.BatchListPlacesRequest, context: Any
    ) -> post_internal_service_pb2.BatchListPlacesResponse:
        """Return the newest places of some authors."""
        authors = await self._batch_list_places(request.author_ids, request.before_place, request.limit_per_author)
        response = post_internal_service_pb2.BatchListPlacesResponse()
        for author_id, places in authors:
            response.authors.add(author_id=author_id, places=places)
        return response

    async def FilterUsedMedia(
        self, request: post_internal_service_pb2.FilterUsedMediaRequest, context: Any
    ) -> post_internal_service_pb2.FilterUsedMediaResponse:
        """Return which media an author's posts use."""
        used = await self._filter_used_media(request.author_id, request.media_ids)
        return post_internal_service_pb2.FilterUsedMediaResponse(media_ids=used)


async def _unless_known(answer: Message, if_none_match: str, context: Any) -> Any:
    """Return an answer with its ETag, serialized, or NOT_MODIFIED if the caller has it."""
    serialized = answer.SerializeToString(deterministic=True)
    etag, is_modified = await compare_etag(serialized, if_none_match, context)
    if not is_modified:
        return type(answer)(etag=etag, not_modified=True)
    # A field may be appended to a serialized message.
    return serialized + type(answer)(etag=etag).SerializeToString()
