"""What media_svc refuses."""

from media_svc.uploads.rules import MAX_PHOTO_BYTES, MAX_VIDEO_BYTES, PHOTO_TYPES, VIDEO_TYPES
from meshkit.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError


class MediaNotFoundError(NotFoundError):
    """There is no such medium, or the caller may not know that there is."""

    def __init__(self) -> None:
        super().__init__("MEDIA_NOT_FOUND", "there is no such medium")


class PartsMismatchError(FailedPreconditionError):
    """The parts that were named, or that S3 has, are not those of the upload."""

    def __init__(self, message: str) -> None:
        super().__init__("PARTS_MISMATCH", message)


class UploadExpiredError(FailedPreconditionError):
    """The upload was not finished in time; its parts are gone, or will be."""

    def __init__(self) -> None:
        super().__init__("UPLOAD_EXPIRED", "the upload was not finished in time; start another")


def type_unsupported() -> InvalidArgumentError:
    """Make the error of a content type that is not on the list."""
    allowed = ", ".join(sorted(PHOTO_TYPES | VIDEO_TYPES))
    return InvalidArgumentError.of_field("content_type", "TYPE_UNSUPPORTED", f"the type must be one of {allowed}")


def size_out_of_range() -> InvalidArgumentError:
    """Make the error of a file that is empty or too large."""
    limits = f"up to {MAX_PHOTO_BYTES:,} bytes for a photo and {MAX_VIDEO_BYTES:,} for a video"
    return InvalidArgumentError.of_field("size_bytes", "SIZE_OUT_OF_RANGE", f"the size must be from 1, {limits}")
