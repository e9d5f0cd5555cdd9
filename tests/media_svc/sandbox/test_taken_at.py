"""Tests of when a photo or film was taken."""

from pathlib import Path

import pytest
from PIL import ExifTags, Image

from media_svc.sandbox.taken_at import TakenAt, taken_at_of_exif, taken_at_of_film
from tests.media_svc import films, pictures
from tests.media_svc.videos.lowest_rung import lowest_rung

pytestmark = pytest.mark.slow

TAKEN = TakenAt("2024-05-01T12:30:00", "+02:00")


def exif_of(time: bytes = b"2024:05:01 12:30:00", offset: bytes = b"+02:00") -> bytes:
    """Return EXIF with a time and a place."""
    written = Image.Exif()
    written[ExifTags.IFD.Exif] = {
        ExifTags.Base.DateTimeOriginal: time.decode(),
        ExifTags.Base.OffsetTimeOriginal: offset.decode(),
    }
    written[ExifTags.IFD.GPSInfo] = {ExifTags.GPS.GPSAreaInformation: pictures.PLACE_WORDS}
    return written.tobytes()


@pytest.mark.parametrize("content_type", pictures.FORMATS)
async def test_photo(tmp_path: Path, content_type: str) -> None:
    """A photo's local time and offset are read from EXIF in every type."""
    original = pictures.encoded(pictures.quarters(), content_type, exif=exif_of())
    picture = (await pictures.rendered(tmp_path, original, content_type)).picture
    assert TakenAt(picture.taken_at, picture.taken_at_offset) == TAKEN


@pytest.mark.parametrize(
    ("exif", "taken"),
    [
        (exif_of(offset=b""), TakenAt(TAKEN.local)),
        (exif_of(offset=b"summer"), TakenAt(TAKEN.local)),
        (exif_of(b"0000:00:00 00:00:00"), TakenAt()),
        (exif_of(b"2024:02:30 12:30:00"), TakenAt()),
        (exif_of(b"1970:01:01 00:00:00"), TakenAt()),
        (exif_of()[:60], TakenAt()),
        (b"", TakenAt()),
        (b"Exif\0\0II*\0\xff\xff\xff\xff", TakenAt()),
        (exif_of().removeprefix(b"Exif\0\0"), TAKEN),
    ],
)
def test_odd_exif(exif: bytes, taken: TakenAt) -> None:
    """A time that does not exist, or EXIF that is malformed, counts as unknown."""
    assert taken_at_of_exif(exif) == taken


@pytest.mark.parametrize(
    ("metadata", "taken"),
    [
        ({"com.apple.quicktime.creationdate": "2024-05-01T12:30:00+0200", "creation_time": "x"}, TAKEN),
        ({"creation_time": "2024-05-01T10:30:00.000000Z"}, TakenAt("2024-05-01T10:30:00", "+00:00")),
        ({"creation_time": "1904-01-01T00:00:00.000000Z"}, TakenAt()),
        ({}, TakenAt()),
    ],
)
def test_film_metadata(metadata: dict[str, str], taken: TakenAt) -> None:
    """Apple's local time is preferred to the time in UTC."""
    assert taken_at_of_film(metadata) == taken


async def test_film(tmp_path: Path) -> None:
    """A film's time is read from its container."""
    original = tmp_path / "film.mov"
    films.run_ffmpeg(
        *("-f", "lavfi", "-i", "testsrc=s=320x240:r=30", "-t", "0.2", "-c:v", "libx264", "-pix_fmt", "yuv420p"),
        *("-movflags", "use_metadata_tags", "-metadata", "com.apple.quicktime.creationdate=2024-05-01T12:30:00+0200"),
        str(original),
    )
    film = (await lowest_rung(tmp_path / "work", original, "video/quicktime")).film
    assert TakenAt(film.taken_at, film.taken_at_offset) == TAKEN
