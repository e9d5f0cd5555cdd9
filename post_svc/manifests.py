"""Manifests: the media of a post as it is stored, each a serialized Post with that medium only, joined."""

from collections.abc import Sequence

from lensfeed.media.v1 import media_pb2
from lensfeed.post.v1 import post_pb2

from post_svc.model import Medium, MediumState

_STATES = {
    media_pb2.MEDIA_STATE_READY: MediumState.READY,
    media_pb2.MEDIA_STATE_REJECTED: MediumState.REJECTED,
}


def medium_of(message: media_pb2.Media) -> Medium:
    """Return a medium as media_svc describes it."""
    # Serialized messages that are joined are one message with all their repeated fields: a manifest is a Post with media only.
    encoded = post_pb2.Post(media=[message]).SerializeToString()
    return Medium(message.media_id, _STATES.get(message.state, MediumState.WAITING), encoded)


def post_of(manifest: bytes) -> post_pb2.Post:
    """Return a post of which only the media are set, in their order. One that was improved stands there in its last version."""
    post = post_pb2.Post.FromString(manifest)
    newest = {each.media_id: each for each in post.media}
    return post if len(newest) == len(post.media) else post_pb2.Post(media=newest.values())


def media_ids_in(manifest: bytes) -> Sequence[str]:
    """Return the ids of the media of a post, in their order."""
    return [each.media_id for each in post_of(manifest).media]


def shows(manifest: bytes, media_id: str) -> bool:
    """Tell whether a post shows a medium."""
    # Most posts do not hold the id at all, and of those that do it may be a word in a text.
    return media_id.encode() in manifest and media_id in media_ids_in(manifest)
