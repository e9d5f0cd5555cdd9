"""The errors of media_svc."""

from media_svc.uploads.rules import MAX_PHOTO_BYTES, MAX_VIDEO_BYTES, PHOTO_TYPES, VIDEO_TYPES
from meshkit.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError, ResourceExhaustedError

# By then some uploads of a busy owner are finished, and which ones they are can be found out again.
PENDING_RETRY_SECONDS = 5.0


class MediaNotFoundError(NotFoundError):
    """The medium does not exist, or the caller may not see it."""

    def __init__(self) -> None:
        super().__init__("MEDIA_NOT_FOUND", "the medium does not exist")


class PartsMismatchError(FailedPreconditionError):
    """The uploaded parts are not the ones the upload expects or the client named."""

    def __init__(self, message: str) -> None:
        super().__init__("PARTS_MISMATCH", message)


class UploadExpiredError(FailedPreconditionError):
    """The upload was not finished in time; its parts are or will be deleted."""

    def __init__(self) -> None:
        super().__init__("UPLOAD_EXPIRED", "the upload was not finished in time; start a new one")


class StorageQuotaError(ResourceExhaustedError):
    """The owner's media would exceed the quota. A retry helps only after something was deleted."""

    def __init__(self, size_bytes: int, used_bytes: int, quota_bytes: int) -> None:
        left = max(0, quota_bytes - used_bytes)
        super().__init__(
            "STORAGE_QUOTA",
            f"the file has {size_bytes:,} bytes, but only {left:,} of your {quota_bytes:,} are free; delete posts first",
        )


class UploadsPendingError(ResourceExhaustedError):
    """The owner has too many media that are neither READY nor REJECTED."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            "UPLOADS_PENDING_LIMIT",
            f"{limit:,} of your uploads are unfinished; wait until they are READY, or expire after a day",
            retry_after=PENDING_RETRY_SECONDS,
        )


def type_unsupported() -> InvalidArgumentError:
    """Return the error for an unsupported content type."""
    allowed = ", ".join(sorted(PHOTO_TYPES | VIDEO_TYPES))
    return InvalidArgumentError.of_field(
        "content_type", "TYPE_UNSUPPORTED", f"the content type must be one of {allowed}"
    )


def size_out_of_range() -> InvalidArgumentError:
    """Return the error for an empty or too large file."""
    limits = f"{MAX_PHOTO_BYTES:,} bytes for a photo or {MAX_VIDEO_BYTES:,} for a video"
    return InvalidArgumentError.of_field("size_bytes", "SIZE_OUT_OF_RANGE", f"the size must be between 1 and {limits}")
