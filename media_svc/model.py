"""What a medium is: frozen values and pure rules."""

from dataclasses import dataclass
from enum import StrEnum


class MediaState(StrEnum):
    """How far a medium is. It moves only forward, and each step is taken by exactly one writer."""

    AWAITING_UPLOAD = "AWAITING_UPLOAD"
    PROCESSING = "PROCESSING"
    READY = "READY"
    REJECTED = "REJECTED"


class MediaKind(StrEnum):
    """What a medium shows."""

    PHOTO = "PHOTO"
    VIDEO = "VIDEO"


class FailureReason(StrEnum):
    """Why a medium was rejected; the public contract fixes these words."""

    MEDIA_CORRUPT = "MEDIA_CORRUPT"
    MEDIA_TOO_LARGE = "MEDIA_TOO_LARGE"
    TYPE_MISMATCH = "TYPE_MISMATCH"


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
