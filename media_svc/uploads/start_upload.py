"""Start an upload: check its type and size, and sign the URLs for its bytes."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from media_svc.check_schedule import URL_LIFETIME_SECONDS, first_check
from media_svc.errors import StorageQuotaError, size_out_of_range, type_unsupported
from media_svc.model import Media, MediaKind, MediaState
from media_svc.ports import Objects, SignedPut
from media_svc.store.port import MediaStore
from media_svc.uploads.rules import Part, kind_of, plan_parts, registered_type, size_allowed
from meshkit.ids import PublicId, new_id

# Counts a medium as unfinished. Raises UploadsPendingError if its owner has too many.
Limit = Callable[[PublicId], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class StartedUpload:
    """An upload in progress: its (missing) parts with their PUTs, and when those expire, in ms since 1970."""

    media: Media
    puts: Sequence[tuple[Part, SignedPut]]
    expires_ms: int


class StartUpload:
    """Creates a medium and the URLs for its bytes, which go directly to S3."""

    def __init__(
        self,
        store: MediaStore,
        objects: Objects,
        make_id: Callable[[], int] = new_id,
        quota: int | None = None,
        limit: Limit | None = None,
    ) -> None:
        self._store = store
        self._objects = objects
        self._limit = limit
        self._make_id = make_id
        self._quota = quota

    async def __call__(self, owner_id: int, content_type: str, size_bytes: int, alt_text: str) -> StartedUpload:
        """Start an upload.

        Raises InvalidArgumentError (TYPE_UNSUPPORTED, SIZE_OUT_OF_RANGE), StorageQuotaError, UploadsPendingError.
        """
        # Two uploads of an owner in the same millisecond get the same id once in four million times.
        while (started := await self.add(self.new_media(owner_id, content_type, size_bytes, alt_text))) is None:
            continue
        return started

    def new_media(self, owner_id: int, content_type: str, size_bytes: int, alt_text: str) -> Media:
        """Return a medium to upload, with a new id. Raises InvalidArgumentError (TYPE_UNSUPPORTED, SIZE_OUT_OF_RANGE)."""
        content_type = registered_type(content_type)
        kind = _checked_kind(content_type, size_bytes)
        media_id = PublicId(self._make_id(), owner_id)
        return Media(media_id, MediaState.AWAITING_UPLOAD, kind, content_type, size_bytes, alt_text)

    async def add(self, media: Media) -> StartedUpload | None:
        """Start the upload of a new medium, unless its id is taken. Raises StorageQuotaError, UploadsPendingError.

        A multipart upload that is not used is deleted like an abandoned one.
        """
        await self._check_quota(media)
        if self._limit is not None:
            await self._limit(media.media_id)
        started = await self._sign(media)
        is_added = await self._store.add_media(started.media, first_check(started.media), self._quota)
        return started if is_added else None

    async def _check_quota(self, media: Media) -> None:
        """Refuse at once what cannot be stored anyway. The store decides again when it adds the medium."""
        if self._quota is None:
            return
        used = await self._store.used_bytes(media.media_id.owner)
        if used + media.size_bytes > self._quota:
            raise StorageQuotaError(media.size_bytes, used, self._quota)

    async def _sign(self, media: Media) -> StartedUpload:
        content_type, size_bytes = media.content_type, media.size_bytes
        parts = plan_parts(size_bytes)
        if len(parts) == 1:
            put = await self._objects.sign_put(media.upload_key, content_type, size_bytes, URL_LIFETIME_SECONDS)
            puts: Sequence[SignedPut] = [put]
        else:
            media, puts = await self._start_multipart(media, parts)
        expires_ms = media.created_ms + URL_LIFETIME_SECONDS * 1000
        return StartedUpload(media, list(zip(parts, puts, strict=True)), expires_ms)

    async def _start_multipart(self, media: Media, parts: Sequence[Part]) -> tuple[Media, Sequence[SignedPut]]:
        upload_id = await self._objects.start_multipart(media.upload_key, media.content_type)
        puts = await self._objects.sign_parts(media.upload_key, upload_id, parts, URL_LIFETIME_SECONDS)
        return media.awaiting(upload_id), puts


def _checked_kind(content_type: str, size_bytes: int) -> MediaKind:
    kind = kind_of(content_type)
    if kind is None:
        raise type_unsupported()
    if not size_allowed(kind, size_bytes):
        raise size_out_of_range()
    return kind
