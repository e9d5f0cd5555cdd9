"""Media as the contract shows them."""

from lensfeed.media.v1 import media_pb2

from media_svc.model import Media, Rendition
from meshkit.media_urls import MediaUrls


class Presenter:
    """Makes protos of media, for apps with URLs, for the other services (without `urls`) with names."""

    def __init__(self, urls: MediaUrls | None = None) -> None:
        self._urls = urls

    def media(self, media: Media) -> media_pb2.Media:
        """Return a medium as far as it is."""
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
        )

    def _rendition(self, rendition: Rendition) -> media_pb2.Rendition:
        return media_pb2.Rendition(
            url=self._urls.of(rendition.name) if self._urls else rendition.name,
            content_type=rendition.content_type,
            width=rendition.width,
            height=rendition.height,
            size_bytes=rendition.size_bytes,
        )
