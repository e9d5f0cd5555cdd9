"""Manifests: the stored media of a post. Each medium is a serialized Post; a manifest is their concatenation."""

from collections.abc import Sequence

from lensfeed.media.v1 import media_pb2
from lensfeed.post.v1 import post_pb2

from post_svc.model import Medium, MediumState

_STATES = {
    media_pb2.MEDIA_STATE_READY: MediumState.READY,
    media_pb2.MEDIA_STATE_REJECTED: MediumState.REJECTED,
}


def medium_of(message: media_pb2.Media) -> Medium:
    """Convert a medium from media_svc's message."""
    # Concatenated messages merge their repeated fields, so a manifest parses as a Post with media only.
    encoded = post_pb2.Post(media=[message]).SerializeToString()
    return Medium(message.media_id, _STATES.get(message.state, MediumState.WAITING), encoded)


def post_of(manifest: bytes) -> post_pb2.Post:
    """Return a Post with only its media set, in order. Of several versions of a medium the last one counts."""
    post = post_pb2.Post.FromString(manifest)
    newest = {each.media_id: each for each in post.media}
    return post if len(newest) == len(post.media) else post_pb2.Post(media=newest.values())


def media_ids_in(manifest: bytes) -> Sequence[str]:
    """Return the ids of a manifest's media, in order."""
    return [each.media_id for each in post_of(manifest).media]


def shows(manifest: bytes, media_id: str) -> bool:
    """Return whether a manifest contains a medium."""
    # Cheap check first: most manifests do not contain the id. If one does, it may just be text.
    return media_id.encode() in manifest and media_id in media_ids_in(manifest)
