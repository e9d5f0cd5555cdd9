"""Tests of when uploads are checked."""

import pytest

from media_svc.check_schedule import AWAITING_AGES, CHECK_AGES, MINUTE_MS, next_check
from media_svc.model import Media, MediaKind, MediaState
from meshkit.ids import PublicId, new_id


@pytest.mark.parametrize(
    ("state", "ages"), [(MediaState.AWAITING_UPLOAD, AWAITING_AGES), (MediaState.PROCESSING, CHECK_AGES)]
)
def test_schedule(state: MediaState, ages: tuple[int, ...]) -> None:
    """Checks follow the ages from any minute, and end after a day."""
    media = Media(PublicId(new_id(), 1), state, MediaKind.PHOTO, "image/png", 5, "")
    born = media.created_ms // MINUTE_MS
    planned, minute = [], next_check(media, born)
    while minute is not None:
        planned.append(minute - born)
        minute = next_check(media, minute)
    assert tuple(planned) == ages
    assert planned == sorted(set(planned))
    assert next_check(media, born + 17) == born + 60
