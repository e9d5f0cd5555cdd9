"""Convert a medium to and from the columns of its row, the same in every store."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from media_svc.model import Failure, FailureReason, Media, MediaKind, MediaState, Rendition, Rung, Video
from meshkit.ids import PublicId

# In the order of `fields_of`.
FIELDS = (
    *("state", "kind", "content_type", "size_bytes", "alt_text", "upload_id", "etag", "uploaded_ms"),
    *("failure_reason", "failure_message", "width", "height", "duration_ms", "thumbhash", "renditions"),
    *("video", "video_revision", "taken_at", "taken_at_offset", "is_looping"),
)
# The columns that `grow_video` writes.
VIDEO_FIELDS = ("renditions", "video", "video_revision")
# The columns that `swap_renditions` writes. Nothing else writes the second.
SWAP_FIELDS = ("renditions", "replaced_names")


def fields_of(media: Media) -> tuple[Any, ...]:
    """Return the columns to write. None of them is None."""
    failure = media.failure
    return (
        media.state,
        media.kind,
        media.content_type,
        media.size_bytes,
        media.alt_text,
        media.upload_id,
        media.etag,
        media.uploaded_ms,
        failure.reason if failure else "",
        failure.message if failure else "",
        media.width,
        media.height,
        media.duration_ms,
        media.thumbhash,
        *video_fields_of(media),
        media.taken_at,
        media.taken_at_offset,
        media.is_looping,
    )


def swap_fields_of(media: Media) -> tuple[str, str | None]:
    """Return the columns for better renditions: these and the names they replace."""
    names = media.replaced_names
    return _renditions(media), None if names is None else json.dumps(names)


def names_of(text: str | None) -> tuple[str, ...] | None:
    """Return the replaced names of a row, or None if none were written."""
    return None if text is None else tuple(json.loads(text))


def video_fields_of(media: Media) -> tuple[str, str, int]:
    """Return the columns for a video's new rungs."""
    renditions = _renditions(media)
    if media.video is None:
        return renditions, "", 0
    rungs = [asdict(each) for each in media.video.rungs]
    return renditions, json.dumps({"rungs": rungs, "is_complete": media.video.is_complete}), media.video.revision


def media_of(media_id: PublicId, fields: Sequence[Any]) -> Media:
    """Return the medium of a row."""
    state, kind, content_type, size_bytes, alt_text, upload_id, etag, uploaded_ms, *rest = fields
    reason, message, width, height, duration_ms, thumbhash, renditions, video, video_revision, *added = rest
    taken_at, taken_at_offset, is_looping = added
    return Media(
        media_id=media_id,
        state=MediaState(state),
        kind=MediaKind(kind),
        content_type=content_type,
        size_bytes=size_bytes,
        alt_text=alt_text,
        upload_id=upload_id,
        etag=etag,
        uploaded_ms=uploaded_ms,
        failure=Failure(FailureReason(reason), message) if reason else None,
        width=width,
        height=height,
        duration_ms=duration_ms,
        thumbhash=thumbhash,
        renditions=tuple(Rendition(**each) for each in json.loads(renditions)),
        video=_video_of(video, video_revision),
        # Rows from before these columns hold null in Cassandra.
        taken_at=taken_at or "",
        taken_at_offset=taken_at_offset or "",
        is_looping=bool(is_looping),
    )


def _renditions(media: Media) -> str:
    return json.dumps([asdict(each) for each in media.renditions])


def _video_of(text: str | None, revision: int | None) -> Video | None:
    """Return the video of a row. Rows of photos, and rows older than videos, have none."""
    if not text:
        return None
    written = json.loads(text)
    return Video(tuple(Rung(**each) for each in written["rungs"]), written["is_complete"], revision or 0)
