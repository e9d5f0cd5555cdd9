"""What a post is, and the rules that need nothing but the post itself."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from meshkit.errors import InvalidArgumentError, NotFoundError
from meshkit.ids import MalformedIdError, PublicId, id_millis

MAX_KEY_LENGTH = 255


class MediumState(Enum):
    """How far a medium is, as far as a post must know."""

    WAITING = auto()
    READY = auto()
    REJECTED = auto()


@dataclass(frozen=True, slots=True)
class Medium:
    """A medium as media_svc describes it. `encoded` is opaque here: a chunk of a manifest, which is its chunks joined.

    A later chunk of the same medium takes the place of an earlier one.
    """

    media_id: str
    state: MediumState
    encoded: bytes


@dataclass(frozen=True, slots=True)
class PostView:
    """A post as its reader sees it. `published_at` is in milliseconds since 1970, None while it waits for its media."""

    id: PublicId
    caption: str
    manifest: bytes
    published_at: int | None


@dataclass(frozen=True, slots=True)
class PublishedPost:
    """A post that everybody sees. `place`, an id of the moment of publication, orders timelines."""

    id: PublicId
    place: int
    caption: str
    manifest: bytes

    def view(self) -> PostView:
        """Return the post as everybody sees it."""
        return PostView(self.id, self.caption, self.manifest, id_millis(self.place))


@dataclass(frozen=True, slots=True)
class WaitingPost:
    """A post whose media are not all READY. Once a publisher has claimed its `place`, it can only be published there."""

    id: PublicId
    caption: str
    media_ids: tuple[str, ...]
    place: int | None = None

    def view(self, media: Sequence[Medium]) -> PostView:
        """Return the post as its author sees it, with its media as they are now."""
        return PostView(self.id, self.caption, manifest_of(media), None)

    def published(self, place: int, media: Sequence[Medium]) -> PublishedPost:
        """Return the post as it is published."""
        return PublishedPost(self.id, place, self.caption, manifest_of(media))


@dataclass(frozen=True, slots=True)
class DeletedPost:
    """What is left of a deleted post for some days, so that no retry brings it back."""

    id: PublicId


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a published post stands: in its author's timeline, at an id that orders by time."""

    author_id: int
    place: int


@dataclass(frozen=True, slots=True)
class Draft:
    """What an author wants to post."""

    caption: str
    media_ids: tuple[str, ...]

    @property
    def fingerprint(self) -> bytes:
        """32 bytes that tell one draft from another."""
        return hashlib.sha256(json.dumps([self.caption, *self.media_ids]).encode()).digest()


@dataclass(frozen=True, slots=True)
class Claim:
    """What an idempotency key stands for. `claimed_at` is in milliseconds since 1970."""

    post_id: int
    fingerprint: bytes
    claimed_at: int


def manifest_of(media: Sequence[Medium]) -> bytes:
    """Return the media of a post as one opaque value."""
    return b"".join(medium.encoded for medium in media)


def are_ready(media: Sequence[Medium], media_ids: Sequence[str]) -> bool:
    """Tell whether every medium that was asked for is there and READY."""
    return len(media) == len(media_ids) and all(medium.state is MediumState.READY for medium in media)


def check_key(key: str) -> None:
    """Return if a text can be an idempotency key, else raise InvalidArgumentError (IDEMPOTENCY_KEY_INVALID)."""
    if not 1 <= len(key) <= MAX_KEY_LENGTH or not (key.isascii() and key.isprintable()):
        raise InvalidArgumentError.of_field(
            "idempotency-key", "IDEMPOTENCY_KEY_INVALID", "an idempotency key is 1 to 255 printable ASCII characters"
        )


def parse_post_id(text: str) -> PublicId:
    """Return the id that a text names. A malformed one is the id of no post: raises NotFoundError (POST_NOT_FOUND)."""
    try:
        return PublicId.parse(text)
    except MalformedIdError:
        raise post_not_found() from None


def post_not_found() -> NotFoundError:
    """Make the error of a post that is not there, or not for this caller."""
    return NotFoundError("POST_NOT_FOUND", "there is no such post")
