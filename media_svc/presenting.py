"""Convert media to the protos of the contract."""

from lensfeed.media.v1 import media_pb2

from media_svc.model import Media, MediaKind, Rendition
from meshkit.media_urls import MediaUrls
from meshkit.sight import Seen


class Presenter:
    """Builds protos of media: with URLs for apps, with names (no `urls`) for the other services."""

    def __init__(self, urls: MediaUrls | None = None) -> None:
        self._urls = urls

    def media(self, seen: Seen[Media], *, is_owner: bool = False) -> media_pb2.Media:
        """Return a medium in its current state. Some facts are only for its owner."""
        media = seen.value
        failure = media.failure
        shown_failure = media_pb2.MediaFailure(reason=failure.reason, message=failure.message) if failure else None
        return media_pb2.Media(
            media_id=str(media.media_id),
            state=media_pb2.MediaState.Value(f"MEDIA_STATE_{media.state}"),
            failure=shown_failure,
            kind=media_pb2.MediaKind.Value(f"MEDIA_KIND_{media.kind}"),
            width=media.width,
            height=media.height,
            duration_ms=media.duration_ms,
            thumbhash=media.thumbhash,
            alt_text=media.alt_text,
            renditions=[self._rendition(each) for each in media.renditions],
            hls_url=self._url(media.hls_name),
            # The other services store the proto, and progress would soon be out of date.
            progress_percent=_progress(media) if self._urls else 0,
            is_looping=media.is_looping,
            taken_at=(is_owner and media.taken_at) or None,
            taken_at_offset=(is_owner and media.taken_at_offset) or None,
        )

    def _url(self, name: str) -> str:
        return self._urls.of(name) if self._urls else name

    def rendition(self, seen: Seen[Rendition]) -> media_pb2.Rendition:
        """Return one rendition."""
        return self._rendition(seen.value)

    def _rendition(self, rendition: Rendition) -> media_pb2.Rendition:
        return media_pb2.Rendition(
            url=self._url(rendition.name),
            content_type=rendition.content_type,
            width=rendition.width,
            height=rendition.height,
            size_bytes=rendition.size_bytes,
        )


def _progress(media: Media) -> int:
    """Return the percentage to show: 100 only once the video is complete."""
    if media.kind is not MediaKind.VIDEO:
        return 0
    return 100 if media.video and media.video.is_complete else min(media.progress, 99)
