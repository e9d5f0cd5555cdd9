"""The domain model: immutable values and pure rules."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from meshkit.ids import PublicId, id_millis


class MediaState(StrEnum):
    """The state of a medium. It only moves forward, and exactly one writer takes each step."""

    AWAITING_UPLOAD = "AWAITING_UPLOAD"
    PROCESSING = "PROCESSING"
    READY = "READY"
    REJECTED = "REJECTED"
    # No post shows it any more. Nobody can see it, as if it never existed.
    REMOVED = "REMOVED"


class MediaKind(StrEnum):
    """The kind of a medium."""

    PHOTO = "PHOTO"
    VIDEO = "VIDEO"


class FailureReason(StrEnum):
    """Why a medium was rejected. The public contract fixes these words."""

    MEDIA_CORRUPT = "MEDIA_CORRUPT"
    MEDIA_TOO_LARGE = "MEDIA_TOO_LARGE"
    TYPE_MISMATCH = "TYPE_MISMATCH"
    # Its bytes never arrived.
    UPLOAD_EXPIRED = "UPLOAD_EXPIRED"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a medium was rejected: a reason for programs and a message for people."""

    reason: FailureReason
    message: str


class MediaRejectedError(Exception):
    """The file can never be served. Trying again gives the same answer."""

    def __init__(self, reason: FailureReason, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.failure = Failure(reason, message)


class AnimatedPictureError(Exception):
    """The picture is animated. It becomes a looping video instead of a photo."""


class LargePictureError(Exception):
    """The picture has more pixels, or needs more memory, than is allowed where it was rendered. It may be rendered elsewhere."""


@dataclass(frozen=True, slots=True)
class Rendition:
    """One size and format of a medium. `name` follows the public prefix in the bucket and in the URL."""

    name: str
    content_type: str
    width: int
    height: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Picture:
    """The result of rendering: the original's size as shown, thumbhash bytes, and renditions, narrowest first."""

    width: int
    height: int
    thumbhash: bytes
    renditions: tuple[Rendition, ...]
    # When the original was taken: local time as `2024-05-01T12:30:00` and its offset as `+02:00`; empty if unknown.
    taken_at: str = ""
    taken_at_offset: str = ""

    def named_under(self, media_id: PublicId) -> Self:
        """Return it with renditions named under its medium, so that they can be deleted together."""
        named = tuple(replace(each, name=f"{media_id}/{each.name}") for each in self.renditions)
        return replace(self, renditions=named)


@dataclass(frozen=True, slots=True)
class Rung:
    """One quality of a video, cut into segments. `playlist` names its media playlist, like a rendition's name.

    Bandwidths are in bits per second, `codecs` as in RFC 6381, `frame_rate` in frames per second.
    """

    playlist: str
    width: int
    height: int
    bandwidth: int
    average_bandwidth: int
    codecs: str
    frame_rate: float


@dataclass(frozen=True, slots=True)
class Video:
    """The rungs that can be played so far, lowest first. `revision` counts the changes."""

    rungs: tuple[Rung, ...] = ()
    is_complete: bool = False
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Media:
    """One medium, from the start of its upload. Each step returns a new value for the store to write."""

    media_id: PublicId
    state: MediaState
    kind: MediaKind
    content_type: str
    size_bytes: int
    alt_text: str
    # S3's id of a multipart upload; empty for one PUT.
    upload_id: str = ""
    # From PROCESSING on, the uploaded object's ETag without quotes. It identifies the accepted bytes.
    etag: str = ""
    # When the upload was found complete, in milliseconds since 1970.
    uploaded_ms: int = 0
    failure: Failure | None = None
    width: int = 0
    height: int = 0
    duration_ms: int = 0
    thumbhash: bytes = b""
    renditions: tuple[Rendition, ...] = ()
    # Set for a READY video.
    video: Video | None = None
    # The last recorded progress of processing a video, in percent.
    progress: int = 0
    # Names of renditions that better ones replaced; None if that was never tried. The files are still served.
    replaced_names: tuple[str, ...] | None = None
    # As in `Picture`. Only its owner sees them.
    taken_at: str = ""
    taken_at_offset: str = ""
    # Whether it is a video made from an animated picture, to be played in a loop.
    is_looping: bool = False

    @property
    def created_ms(self) -> int:
        """When its upload began, in milliseconds since 1970."""
        return id_millis(self.media_id.local)

    @property
    def is_picture_file(self) -> bool:
        """Whether its original is a picture. An animated one becomes a video."""
        return self.content_type.startswith("image/")

    @property
    def upload_key(self) -> str:
        """The key of the uploaded bytes. URLs to it may still work after the upload is finished."""
        return f"u/{self.media_id}"

    @property
    def original_key(self) -> str:
        """The key of the accepted bytes. It contains their ETag, so that a later PUT cannot change them."""
        return f"o/{self.media_id}/{self.etag}"

    @property
    def hls_name(self) -> str:
        """The name of the master playlist, like a rendition's name; empty if there is none."""
        return f"{self.media_id}/master.m3u8" if self.video else ""

    @property
    def is_unfinished(self) -> bool:
        """Whether workers still have to process it. A video is READY before it is finished."""
        is_growing = self.video is not None and not self.video.is_complete
        return self.state is MediaState.PROCESSING or (self.state is MediaState.READY and is_growing)

    @property
    def is_improvable(self) -> bool:
        """Whether it is a photo that may still get better renditions."""
        return self.state is MediaState.READY and self.kind is MediaKind.PHOTO and self.replaced_names is None

    def visible_to(self, user_id: int) -> bool:
        """Return whether a user may see it: the owner until it is removed, others while it is READY."""
        is_own = self.media_id.owner == user_id and self.state is not MediaState.REMOVED
        return self.state is MediaState.READY or is_own

    def awaiting(self, upload_id: str) -> Self:
        """Return it waiting for the parts of a multipart upload."""
        return replace(self, upload_id=upload_id)

    def uploaded(self, etag: str, now_ms: int) -> Self:
        """Return it with its upload complete."""
        return replace(self, state=MediaState.PROCESSING, etag=etag, uploaded_ms=now_ms)

    def ready(self, picture: Picture) -> Self:
        """Return it READY with its renditions."""
        return replace(
            self,
            state=MediaState.READY,
            width=picture.width,
            height=picture.height,
            thumbhash=picture.thumbhash,
            renditions=picture.renditions,
            taken_at=picture.taken_at,
            taken_at_offset=picture.taken_at_offset,
        )

    def playable(self, duration_ms: int, rung: Rung, mp4: Rendition) -> Self:
        """Return a READY video with its first rung and that rung as one MP4."""
        renditions = (*self.renditions, mp4)
        return replace(self, duration_ms=duration_ms, renditions=renditions, video=Video((rung,), revision=1))

    def looping(self) -> Self:
        """Return it as a video made from an animated picture, which began as a photo."""
        return replace(self, kind=MediaKind.VIDEO, is_looping=True)

    def grown(self, rung: Rung, mp4: Rendition | None) -> Self:
        """Return it with another rung. A new MP4 replaces the one with the same name."""
        video = self.video or Video()
        grown = replace(video, rungs=(*video.rungs, rung), revision=video.revision + 1)
        others = tuple(each for each in self.renditions if mp4 is None or each.name != mp4.name)
        return replace(self, video=grown, renditions=others if mp4 is None else (*others, mp4))

    def completed(self) -> Self:
        """Return it as a video with all of its rungs."""
        video = self.video or Video()
        return replace(self, video=replace(video, is_complete=True, revision=video.revision + 1))

    def improved(self, candidates: Iterable[Rendition]) -> Self:
        """Return it with each rendition replaced by a smaller candidate of the same type and size, if there is one."""
        best = {(each.content_type, each.width, each.height): each for each in candidates}
        chosen = tuple(
            min(each, best.get((each.content_type, each.width, each.height), each), key=lambda one: one.size_bytes)
            for each in self.renditions
        )
        pairs = zip(self.renditions, chosen, strict=True)
        return replace(self, renditions=chosen, replaced_names=tuple(old.name for old, new in pairs if new is not old))

    def rejected(self, failure: Failure) -> Self:
        """Return it REJECTED: it will never be served."""
        return replace(self, state=MediaState.REJECTED, failure=failure)

    def removed(self) -> Self:
        """Return it REMOVED. It keeps its renditions' names, so that every copy can be found."""
        return replace(self, state=MediaState.REMOVED)


def rendition_key(name: str) -> str:
    """Return the key of a rendition. Everything under `m/` is public."""
    return f"m/{name}"
