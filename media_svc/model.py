"""What a medium is: frozen values and pure rules."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from meshkit.ids import PublicId, id_millis


class MediaState(StrEnum):
    """How far a medium is. It moves only forward, and each step is taken by exactly one writer."""

    AWAITING_UPLOAD = "AWAITING_UPLOAD"
    PROCESSING = "PROCESSING"
    READY = "READY"
    REJECTED = "REJECTED"
    # No post shows it any more. For everybody it is as if it had never been.
    REMOVED = "REMOVED"


class MediaKind(StrEnum):
    """What a medium shows."""

    PHOTO = "PHOTO"
    VIDEO = "VIDEO"


class FailureReason(StrEnum):
    """Why a medium was rejected; the public contract fixes these words."""

    MEDIA_CORRUPT = "MEDIA_CORRUPT"
    MEDIA_TOO_LARGE = "MEDIA_TOO_LARGE"
    TYPE_MISMATCH = "TYPE_MISMATCH"
    # Its bytes never came.
    UPLOAD_EXPIRED = "UPLOAD_EXPIRED"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a medium was rejected, for programs and for people."""

    reason: FailureReason
    message: str


class MediaRejectedError(Exception):
    """The bytes can never be served. Trying again gives the same answer."""

    def __init__(self, reason: FailureReason, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.failure = Failure(reason, message)


@dataclass(frozen=True, slots=True)
class Rendition:
    """One size and format of a medium. `name` is what follows the public prefix, in the bucket and in the URL."""

    name: str
    content_type: str
    width: int
    height: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Picture:
    """What the renderer found out: pixels of the original as shown, thumbhash bytes, renditions narrowest first."""

    width: int
    height: int
    thumbhash: bytes
    renditions: tuple[Rendition, ...]

    def named_under(self, media_id: PublicId) -> Self:
        """Return it with the names of its renditions under its medium's: what one medium shows goes when that one goes."""
        named = tuple(replace(each, name=f"{media_id}/{each.name}") for each in self.renditions)
        return replace(self, renditions=named)


@dataclass(frozen=True, slots=True)
class Rung:
    """One quality of a video, cut into segments. `playlist` names its media playlist, as a rendition's name does.

    Bandwidths are in bits a second, `codecs` as in RFC 6381, `frame_rate` in frames a second.
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
    """What a video can be played in so far: rungs, lowest first. `revision` counts how often this has changed."""

    rungs: tuple[Rung, ...] = ()
    is_complete: bool = False
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Media:
    """One medium, from the start of its upload on. Each step gives a new value; the store takes it if it is the next one."""

    media_id: PublicId
    state: MediaState
    kind: MediaKind
    content_type: str
    size_bytes: int
    alt_text: str
    # S3's id of a multipart upload; empty for one PUT.
    upload_id: str = ""
    # The uploaded object's ETag without quotes, from PROCESSING on: it names the bytes that were accepted.
    etag: str = ""
    # When these were found to be all there, in milliseconds since 1970.
    uploaded_ms: int = 0
    failure: Failure | None = None
    width: int = 0
    height: int = 0
    duration_ms: int = 0
    thumbhash: bytes = b""
    renditions: tuple[Rendition, ...] = ()
    # Of a video that is READY.
    video: Video | None = None
    # Percent of a video's processing that is done, as was last noted.
    progress: int = 0
    # Names of renditions that better ones took the place of; None where that was not tried. They are served on.
    replaced_names: tuple[str, ...] | None = None

    @property
    def created_ms(self) -> int:
        """When its upload began, in milliseconds since 1970."""
        return id_millis(self.media_id.local)

    @property
    def upload_key(self) -> str:
        """Where its bytes are PUT. URLs to it may still be valid after the upload is finished."""
        return f"u/{self.media_id}"

    @property
    def original_key(self) -> str:
        """Where the accepted bytes lie. It names their ETag, so that no later PUT can get under it."""
        return f"o/{self.media_id}/{self.etag}"

    @property
    def hls_name(self) -> str:
        """What the master playlist is served under, as a rendition's name; empty where there is none."""
        return f"{self.media_id}/master.m3u8" if self.video else ""

    @property
    def is_unfinished(self) -> bool:
        """Whether workers have yet to do something about it. A video is READY before it is finished."""
        is_growing = self.video is not None and not self.video.is_complete
        return self.state is MediaState.PROCESSING or (self.state is MediaState.READY and is_growing)

    @property
    def is_improvable(self) -> bool:
        """Whether it is a photo of which better renditions may still be made."""
        return self.state is MediaState.READY and self.kind is MediaKind.PHOTO and self.replaced_names is None

    def visible_to(self, user_id: int) -> bool:
        """Return whether somebody may see it: its owner always, others once it is READY; nobody once it is removed."""
        is_own = self.media_id.owner == user_id and self.state is not MediaState.REMOVED
        return self.state is MediaState.READY or is_own

    def awaiting(self, upload_id: str) -> Self:
        """Return it with its bytes to come in the parts of a multipart upload."""
        return replace(self, upload_id=upload_id)

    def uploaded(self, etag: str, now_ms: int) -> Self:
        """Return it with all its bytes there."""
        return replace(self, state=MediaState.PROCESSING, etag=etag, uploaded_ms=now_ms)

    def ready(self, picture: Picture) -> Self:
        """Return it with its renditions."""
        return replace(
            self,
            state=MediaState.READY,
            width=picture.width,
            height=picture.height,
            thumbhash=picture.thumbhash,
            renditions=picture.renditions,
        )

    def playable(self, duration_ms: int, rung: Rung, mp4: Rendition) -> Self:
        """Return a READY video with its first rung, which can also be had as one file."""
        renditions = (*self.renditions, mp4)
        return replace(self, duration_ms=duration_ms, renditions=renditions, video=Video((rung,), revision=1))

    def grown(self, rung: Rung, mp4: Rendition | None) -> Self:
        """Return it with another rung, and with a better file in the place of the one under the same name."""
        video = self.video or Video()
        grown = replace(video, rungs=(*video.rungs, rung), revision=video.revision + 1)
        others = tuple(each for each in self.renditions if mp4 is None or each.name != mp4.name)
        return replace(self, video=grown, renditions=others if mp4 is None else (*others, mp4))

    def completed(self) -> Self:
        """Return it as a video to which nothing will be added."""
        video = self.video or Video()
        return replace(self, video=replace(video, is_complete=True, revision=video.revision + 1))

    def improved(self, candidates: Iterable[Rendition]) -> Self:
        """Return it with each candidate that is smaller than the rendition of the same type and size in that one's place."""
        best = {(each.content_type, each.width, each.height): each for each in candidates}
        chosen = tuple(
            min(each, best.get((each.content_type, each.width, each.height), each), key=lambda one: one.size_bytes)
            for each in self.renditions
        )
        pairs = zip(self.renditions, chosen, strict=True)
        return replace(self, renditions=chosen, replaced_names=tuple(old.name for old, new in pairs if new is not old))

    def rejected(self, failure: Failure) -> Self:
        """Return it as never to be served."""
        return replace(self, state=MediaState.REJECTED, failure=failure)

    def removed(self) -> Self:
        """Return it as no longer there. What it showed is still in it, so that every copy of that can be found."""
        return replace(self, state=MediaState.REMOVED)


def rendition_key(name: str) -> str:
    """Return where a rendition lies. Everything under `m/` is public."""
    return f"m/{name}"
