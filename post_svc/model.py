"""Posts, and the rules that depend on nothing else."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from meshkit.errors import NotFoundError
from meshkit.ids import MalformedIdError, PublicId, id_millis

# How long after it was made a place may still be published at. A publication that takes longer was interrupted.
LATE_MS = 10_000


class MediumState(Enum):
    """The states of a medium that matter to a post."""

    WAITING = auto()
    READY = auto()
    REJECTED = auto()


@dataclass(frozen=True, slots=True)
class Medium:
    """A medium as media_svc describes it. `encoded` is opaque: one chunk of a manifest.

    A later chunk of the same medium replaces an earlier one.
    """

    media_id: str
    state: MediumState
    encoded: bytes


@dataclass(frozen=True, slots=True)
class PostView:
    """A post as a reader sees it. `published_at` is in milliseconds since 1970, None while it waits for media."""

    id: PublicId
    caption: str
    manifest: bytes
    published_at: int | None


@dataclass(frozen=True, slots=True)
class PublishedPost:
    """A post that everybody sees. `place`, an id made at publication, orders timelines."""

    id: PublicId
    place: int
    caption: str
    manifest: bytes

    def view(self) -> PostView:
        """Return the post as everybody sees it."""
        return PostView(self.id, self.caption, self.manifest, id_millis(self.place))


@dataclass(frozen=True, slots=True)
class WaitingPost:
    """A post whose media are not all READY. Once `place` is claimed, the post can only be published there."""

    id: PublicId
    caption: str
    media_ids: tuple[str, ...]
    place: int | None = None

    def view(self, media: Sequence[Medium]) -> PostView:
        """Return the post as its author sees it, with its media as they are now."""
        return PostView(self.id, self.caption, manifest_of(media), None)

    def published(self, place: int, media: Sequence[Medium]) -> PublishedPost:
        """Return the post as published at a place."""
        return PublishedPost(self.id, place, self.caption, manifest_of(media))


@dataclass(frozen=True, slots=True)
class DeletedPost:
    """A marker that a post was deleted. It is kept for some days so that no retry recreates the post."""

    id: PublicId


def is_late(place: int, now_ms: int) -> bool:
    """Return whether a post must not appear at a place any more: readers have seen newer posts, and would miss it below them."""
    return now_ms - id_millis(place) > LATE_MS


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """The position of a published post in its author's timeline."""

    author_id: int
    place: int


@dataclass(frozen=True, slots=True)
class Draft:
    """What an author submits."""

    caption: str
    media_ids: tuple[str, ...]

    @property
    def fingerprint(self) -> bytes:
        """32 bytes that differ for different drafts."""
        return hashlib.sha256(json.dumps([self.caption, *self.media_ids]).encode()).digest()


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """How far posts of former versions were added to the index of media.

    `began_ms` is when the first process came that keeps the index, in milliseconds since 1970. The walk over older posts
    continues after `position`, which only the store can interpret; None means from the start.
    """

    began_ms: int
    position: int | None = None
    is_done: bool = False


def manifest_of(media: Sequence[Medium]) -> bytes:
    """Return the media of a post as one opaque value."""
    return b"".join(medium.encoded for medium in media)


def are_ready(media: Sequence[Medium], media_ids: Sequence[str]) -> bool:
    """Return whether every requested medium exists and is READY."""
    return len(media) == len(media_ids) and all(medium.state is MediumState.READY for medium in media)


def parse_post_id(text: str) -> PublicId:
    """Parse a post id. Raises NotFoundError (POST_NOT_FOUND) for a malformed one."""
    try:
        return PublicId.parse(text)
    except MalformedIdError:
        raise post_not_found() from None


def post_not_found() -> NotFoundError:
    """Return the error for a post that does not exist or is hidden from this caller."""
    return NotFoundError("POST_NOT_FOUND", "there is no such post")
