"""Converts posts to protos."""

from lensfeed.post.v1 import post_pb2

from meshkit.media_urls import MediaUrls
from meshkit.sight import Seen
from post_svc.manifests import post_of
from post_svc.model import PostView


class Messages:
    """Converts posts to protos and fills in media URLs."""

    def __init__(self, urls: MediaUrls) -> None:
        self._urls = urls

    def __call__(self, seen: Seen[PostView]) -> post_pb2.Post:
        """Return the proto of a post."""
        post = seen.value
        message = post_of(post.manifest)
        self._urls.fill(message.media)
        message.post_id = str(post.id)
        message.author_id = post.id.owner
        message.caption = post.caption
        message.state = post_pb2.POST_STATE_PENDING
        if post.published_at is not None:
            message.state = post_pb2.POST_STATE_PUBLISHED
            message.published_at.FromMilliseconds(post.published_at)
        return message
