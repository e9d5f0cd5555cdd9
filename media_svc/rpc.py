"""gRPC servicers: convert protos to calls of the use cases and back."""

from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from lensfeed.media.v1 import (
    media_internal_service_pb2,
    media_internal_service_pb2_grpc,
    media_service_pb2,
    media_service_pb2_grpc,
)

from media_svc.delivery.count_views import CountViews
from media_svc.get_media import BatchGetMedia, GetMedia
from media_svc.photos.pick_rendition import PickRendition
from media_svc.ports import SignedPut
from media_svc.presenting import Presenter
from media_svc.uploads.complete_upload import ClaimedPart, CompleteUpload
from media_svc.uploads.rules import PART_BYTES, Part
from media_svc.uploads.start_upload import StartedUpload
from media_svc.uploads.start_upload_once import StartUploadOnce
from meshkit.call import caller_id, current_call
from meshkit.sight import for_service, of_caller

# ruff: noqa: ARG002, N802 - the generated base classes name the methods and their arguments


class MediaServicer(media_service_pb2_grpc.MediaServiceServicer):
    """The public methods."""

    def __init__(
        self,
        start_upload: StartUploadOnce,
        complete_upload: CompleteUpload,
        get_media: GetMedia,
        pick_rendition: PickRendition,
        presenter: Presenter,
    ) -> None:
        self._start_upload = start_upload
        self._complete_upload = complete_upload
        self._get_media = get_media
        self._pick_rendition = pick_rendition
        self._presenter = presenter

    async def StartUpload(
        self, request: media_service_pb2.StartUploadRequest, context: Any
    ) -> media_service_pb2.StartUploadResponse:
        """Start an upload of the caller."""
        wanted = (request.content_type, request.size_bytes, request.alt_text)
        started = await self._start_upload(caller_id(), *wanted, current_call().idempotency_key)
        return _started(started)

    async def CompleteUpload(
        self, request: media_service_pb2.CompleteUploadRequest, context: Any
    ) -> media_service_pb2.CompleteUploadResponse:
        """Finish an upload of the caller."""
        parts = [ClaimedPart(part.number, part.etag) for part in request.parts]
        media = await self._complete_upload(caller_id(), request.media_id, parts)
        return media_service_pb2.CompleteUploadResponse(media=self._presenter.media(of_caller(media), is_owner=True))

    async def GetMedia(
        self, request: media_service_pb2.GetMediaRequest, context: Any
    ) -> media_service_pb2.GetMediaResponse:
        """Show a medium to the caller."""
        shown = await self._get_media(caller_id(), request.media_id)
        upload = _unfinished(shown.upload) if shown.upload else None
        is_owner = shown.media.value.media_id.owner == caller_id()
        media = self._presenter.media(shown.media, is_owner=is_owner)
        return media_service_pb2.GetMediaResponse(media=media, upload=upload)

    async def PickRendition(
        self, request: media_service_pb2.PickRenditionRequest, context: Any
    ) -> media_service_pb2.PickRenditionResponse:
        """Pick a rendition that fits the browser's headers."""
        headers = dict(context.invocation_metadata())
        accept, save_data = (str(headers.get(name, "")) for name in ("accept", "save-data"))
        picked = await self._pick_rendition(request.media_id, request.width, accept, save_data)
        shown = self._presenter.rendition(picked)
        # The edge turns this into a redirect. It is cached briefly, as the medium may be removed or get better renditions.
        await context.send_initial_metadata(
            (("location", shown.url), ("vary", "accept, save-data"), ("cache-control", "public, max-age=60"))
        )
        return media_service_pb2.PickRenditionResponse(rendition=shown)


class MediaInternalServicer(media_internal_service_pb2_grpc.MediaInternalServiceServicer):
    """The methods for the other services."""

    def __init__(self, batch_get_media: BatchGetMedia, count_views: CountViews, presenter: Presenter) -> None:
        self._batch_get_media = batch_get_media
        self._count_views = count_views
        self._presenter = presenter

    async def BatchGetMedia(
        self, request: media_internal_service_pb2.BatchGetMediaRequest, context: Any
    ) -> media_internal_service_pb2.BatchGetMediaResponse:
        """Return the media of one owner."""
        media = await self._batch_get_media(request.owner_id, request.media_ids)
        return media_internal_service_pb2.BatchGetMediaResponse(
            media=[self._presenter.media(for_service(each)) for each in media]
        )

    async def CountViews(
        self, request: media_internal_service_pb2.CountViewsRequest, context: Any
    ) -> media_internal_service_pb2.CountViewsResponse:
        """Count views."""
        await self._count_views(request.views)
        return media_internal_service_pb2.CountViewsResponse()


def _started(started: StartedUpload) -> media_service_pb2.StartUploadResponse:
    return media_service_pb2.StartUploadResponse(
        media_id=str(started.media.media_id),
        part_size_bytes=PART_BYTES,
        parts=[_part(part, put) for part, put in started.puts],
        expires_at=_timestamp(started.expires_ms),
    )


def _unfinished(upload: StartedUpload) -> media_service_pb2.UnfinishedUpload:
    return media_service_pb2.UnfinishedUpload(
        size_bytes=upload.media.size_bytes,
        part_size_bytes=PART_BYTES,
        parts=[_part(part, put) for part, put in upload.puts],
        expires_at=_timestamp(upload.expires_ms),
    )


def _timestamp(milliseconds: int) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromMilliseconds(milliseconds)
    return timestamp


def _part(part: Part, put: SignedPut) -> media_service_pb2.UploadPart:
    return media_service_pb2.UploadPart(
        number=part.number, size_bytes=part.size_bytes, url=put.url, headers=dict(put.headers)
    )
