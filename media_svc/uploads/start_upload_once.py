"""Start an upload once per idempotency key, however often the call is repeated."""

import hashlib
import json
import time
from dataclasses import replace

from media_svc.errors import UploadExpiredError
from media_svc.model import Media, MediaState
from media_svc.store.port import MediaStore
from media_svc.uploads.resume_upload import ResumeUpload
from media_svc.uploads.start_upload import StartedUpload, StartUpload
from meshkit.errors import UnavailableError
from meshkit.idempotency import Claim, check_key, mismatch
from meshkit.ids import PublicId


class StartUploadOnce:
    """Binds a key to one medium for 24 hours. A repeat returns the medium with the parts that it still lacks."""

    def __init__(self, store: MediaStore, start: StartUpload, resume: ResumeUpload) -> None:
        self._store = store
        self._start = start
        self._resume = resume

    async def __call__(
        self, owner_id: int, content_type: str, size_bytes: int, alt_text: str, key: str | None
    ) -> StartedUpload:
        """Start an upload, or return the one that the key stands for. Without a key, each call starts one.

        Raises InvalidArgumentError (TYPE_UNSUPPORTED, SIZE_OUT_OF_RANGE, IDEMPOTENCY_KEY_INVALID), AlreadyExistsError
        (IDEMPOTENCY_MISMATCH), FailedPreconditionError (UPLOAD_EXPIRED), StorageQuotaError, UploadsPendingError.
        """
        if key is None:
            return await self._start(owner_id, content_type, size_bytes, alt_text)
        check_key(key)
        media = self._start.new_media(owner_id, content_type, size_bytes, alt_text)
        now_ms = time.time_ns() // 1_000_000
        claim = Claim(media.media_id.local, _fingerprint(media), now_ms)
        bound = await self._store.claim_key(owner_id, key, claim)
        if bound.fingerprint != claim.fingerprint:
            raise mismatch()
        is_first = bound.claimed_id == claim.claimed_id
        if is_first and (started := await self._start.add(media)):
            return started
        return await self._repeat(replace(media, media_id=PublicId(bound.claimed_id, owner_id)), now_ms)

    async def _repeat(self, media: Media, now_ms: int) -> StartedUpload:
        stored = await self._find_or_add(media)
        if _fingerprint(stored) != _fingerprint(media):
            # The id is another upload's, which happens once in four million times for two ids of one millisecond.
            raise UnavailableError
        if stored.state is MediaState.AWAITING_UPLOAD:
            resumed = await self._resume(stored, now_ms)
            if resumed is not None:
                return resumed
        elif stored.state is not MediaState.REJECTED or stored.etag:
            return StartedUpload(stored, [], now_ms)
        raise UploadExpiredError

    async def _find_or_add(self, media: Media) -> Media:
        """Return the stored medium. Adds it if the first call failed before doing so."""
        for _ in range(2):
            for stored in await self._store.get_media([media.media_id]):
                return stored
            await self._start.add(media)
        raise UnavailableError


def _fingerprint(media: Media) -> bytes:
    return hashlib.sha256(json.dumps([media.content_type, media.size_bytes, media.alt_text]).encode()).digest()
