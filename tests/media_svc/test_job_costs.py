"""Tests of what jobs cost their owners."""

from dataclasses import replace

from media_svc.job_costs import LARGEST_PHOTO, estimated_cost, film_cost, photo_cost
from media_svc.model import Media, MediaKind, MediaState
from meshkit.ids import PublicId, new_id

PHOTO = Media(PublicId(new_id(), 1), MediaState.PROCESSING, MediaKind.PHOTO, "image/jpeg", 4_000_000, "")
FILM = replace(PHOTO, kind=MediaKind.VIDEO, content_type="video/mp4", size_bytes=72_000_000)
MINUTE_MS = 60_000


def test_estimates_fit_cameras() -> None:
    """By their bytes, a phone's photo of 12 megapixels and its minute of film cost about what their pixels cost."""
    assert estimated_cost(PHOTO) == photo_cost(12_000_000)
    filmed = replace(FILM, width=1920, height=1080, duration_ms=MINUTE_MS)
    assert 0.5 < estimated_cost(FILM) / film_cost(filmed, 1) < 2


def test_no_estimate_exceeds_the_largest_photo() -> None:
    """However large its file is, a photo is not estimated above the most pixels that a photo may have."""
    assert estimated_cost(replace(PHOTO, size_bytes=50_000_000)) == LARGEST_PHOTO == photo_cost(50_000_000)
    assert estimated_cost(replace(PHOTO, size_bytes=1)) > 0


def test_a_film_costs_its_pixels_and_seconds() -> None:
    """A film in a small file that is large and long costs more than its bytes; a rejected one costs the time that it took."""
    still = replace(FILM, size_bytes=1_000_000, width=3840, height=2160, duration_ms=10 * MINUTE_MS)
    assert film_cost(still, 1) > 1_000 * estimated_cost(still)
    assert film_cost(FILM, 100) > film_cost(FILM, 1) > 0
