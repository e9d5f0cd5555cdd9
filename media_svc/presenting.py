"""Media as the contract shows them."""

from lensfeed.media.v1 import media_pb2

from media_svc.model import Media, Rendition


class Presenter:
    """Makes protos of media; it knows where renditions are served."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")

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
            url=f"{self._base_url}/{rendition.name}",
            content_type=rendition.content_type,
            width=rendition.width,
            height=rendition.height,
            size_bytes=rendition.size_bytes,
        )
