"""Posts as the contract shows them."""

from lensfeed.post.v1 import post_pb2

from meshkit.media_urls import MediaUrls
from post_svc.manifests import post_of
from post_svc.model import PostView


class Messages:
    """Makes protos of posts; it knows where their media are served."""

    def __init__(self, urls: MediaUrls) -> None:
        self._urls = urls

    def __call__(self, post: PostView) -> post_pb2.Post:
        """Return a post as it stands."""
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
