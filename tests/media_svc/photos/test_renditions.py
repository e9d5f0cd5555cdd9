"""Tests of rendering good pictures."""

import hashlib
import io
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from media_svc.confinement.confine import STARTING_PYTHON
from media_svc.sandbox.encode import MAX_HEIGHT, RUNG_WIDTHS, sizes
from media_svc.sandbox.limited_process import ProcessLimits, run_limited
from tests.media_svc import pictures
from tests.media_svc.pictures import BLUE, GREEN, RED, YELLOW, near

pytestmark = pytest.mark.slow

UPRIGHT = [RED, GREEN, BLUE, YELLOW]
# How the stored pixels red, green / blue, yellow appear under each EXIF orientation.
SHOWN = {
    1: [RED, GREEN, BLUE, YELLOW],
    2: [GREEN, RED, YELLOW, BLUE],
    3: [YELLOW, BLUE, GREEN, RED],
    4: [BLUE, YELLOW, RED, GREEN],
    5: [RED, BLUE, GREEN, YELLOW],
    6: [BLUE, RED, YELLOW, GREEN],
    7: [YELLOW, GREEN, BLUE, RED],
    8: [GREEN, YELLOW, RED, BLUE],
}


def _shows(picture: Image.Image, expected: list[pictures.Colour]) -> bool:
    return all(near(*pair) for pair in zip(pictures.corner_colours(picture), expected, strict=True))


@pytest.mark.parametrize("content_type", pictures.FORMATS)
async def test_every_type(tmp_path: Path, content_type: str) -> None:
    """Each allowed type gives three formats per width, narrowest first, that show the same picture."""
    original = pictures.encoded(pictures.quarters(700, 500), content_type)
    made = await pictures.rendered(tmp_path, original, content_type)
    assert (made.picture.width, made.picture.height) == (700, 500)
    assert [(each.width, each.height, each.content_type) for each in made.picture.renditions] == [
        (width, height, content_type)
        for width, height in ((320, 229), (640, 457), (700, 500))
        for content_type in ("image/avif", "image/webp", "image/jpeg")
    ]
    assert all(_shows(picture, UPRIGHT) for picture in pictures.opened(made))


async def test_listed_properties_match_the_files(tmp_path: Path) -> None:
    """Names, types and sizes in the list match the files, and each name is the hash of its bytes."""
    made = await pictures.rendered(tmp_path, pictures.encoded(pictures.quarters(), "image/png"), "image/png")
    assert set(made.contents) == {each.name for each in made.picture.renditions}
    for each, picture in zip(made.picture.renditions, pictures.opened(made), strict=True):
        content = made.contents[each.name]
        assert each.name.split(".")[0] == hashlib.sha256(content).hexdigest()[:32]
        assert len(content) == each.size_bytes
        assert picture.size == (each.width, each.height)
        assert picture.format is not None
        assert Image.MIME[picture.format] == each.content_type


async def test_jpeg_is_progressive(tmp_path: Path) -> None:
    """JPEG renditions are progressive."""
    made = await pictures.rendered(tmp_path, pictures.encoded(pictures.quarters(), "image/png"), "image/png")
    jpegs = [picture for picture in pictures.opened(made) if picture.format == "JPEG"]
    assert jpegs
    assert all(picture.info["progressive"] for picture in jpegs)


@pytest.mark.parametrize("orientation", SHOWN)
async def test_orientation_of_jpeg(tmp_path: Path, orientation: int) -> None:
    """Renditions are upright for every EXIF orientation."""
    original = pictures.encoded(pictures.quarters(), "image/jpeg", exif=pictures.exif(orientation))
    made = await pictures.rendered(tmp_path, original, "image/jpeg")
    assert (made.picture.width, made.picture.height) == ((80, 120) if orientation > 4 else (120, 80))
    assert all(_shows(picture, SHOWN[orientation]) for picture in pictures.opened(made))


@pytest.mark.parametrize("content_type", sorted(set(pictures.FORMATS) - {"image/jpeg"}))
async def test_orientation_of_other_types(tmp_path: Path, content_type: str) -> None:
    """Every type is rotated once: by EXIF, or by the HEIF container's rotation, never by both."""
    original = pictures.encoded(pictures.quarters(), content_type, exif=pictures.exif(6))
    made = await pictures.rendered(tmp_path, original, content_type)
    assert (made.picture.width, made.picture.height) == (80, 120)
    assert all(_shows(picture, SHOWN[6]) for picture in pictures.opened(made))


@pytest.mark.parametrize("content_type", pictures.FORMATS)
async def test_no_metadata(tmp_path: Path, content_type: str) -> None:
    """No rendition contains the place or camera of the original."""
    options = {
        "exif": pictures.exif(),
        "icc_profile": pictures.display_p3(),
        "xmp": b"<x:xmpmeta>" + pictures.PLACE_WORDS,
    }
    original = pictures.encoded(pictures.quarters(), content_type, **options)
    assert pictures.PLACE_WORDS in original
    made = await pictures.rendered(tmp_path, original, content_type)
    for content, picture in zip(made.contents.values(), pictures.opened(made), strict=True):
        assert not any(words in content for words in (pictures.PLACE_WORDS, b"Exif", b"xmp", b"ICC_PROFILE", b"acsp"))
        assert not picture.getexif()
        assert "icc_profile" not in picture.info


@pytest.mark.parametrize("content_type", pictures.FORMATS)
async def test_wide_gamut(tmp_path: Path, content_type: str) -> None:
    """Colours in a wider colour space look the same in sRGB without a profile."""
    stored = Image.new("RGB", (64, 64), (200, 100, 100))
    profile = pictures.display_p3()
    srgb = ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(stored, ImageCms.ImageCmsProfile(io.BytesIO(profile)), srgb)
    assert converted is not None
    expected = pictures.pixel(converted, 32, 32)
    assert not near(expected, (200, 100, 100), tolerance=8)
    made = await pictures.rendered(tmp_path, pictures.encoded(stored, content_type, icc_profile=profile), content_type)
    assert all(near(pictures.pixel(each, 32, 32), expected, tolerance=4) for each in pictures.opened(made))


async def test_alpha(tmp_path: Path) -> None:
    """Transparency stays in AVIF and WebP, and becomes white in JPEG."""
    picture = pictures.quarters().convert("RGBA")
    picture.paste((0, 0, 0, 0), (0, 0, 60, 80))
    made = await pictures.rendered(tmp_path, pictures.encoded(picture, "image/png"), "image/png")
    for each in pictures.opened(made):
        if each.format == "JPEG":
            assert near(pictures.pixel(each, 20, 20), (255, 255, 255))
        else:
            assert each.convert("RGBA").getchannel("A").getpixel((20, 20)) == 0
        assert near(pictures.pixel(each, 90, 20), GREEN)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16"])
async def test_png_modes(tmp_path: Path, mode: str) -> None:
    """Grey, palette, one-bit and 16-bit pictures become ordinary ones."""
    grey = Image.new("L", (64, 64), 255)
    picture = (
        grey.convert("I").point(lambda value: value * 257).convert("I;16") if mode == "I;16" else grey.convert(mode)
    )
    made = await pictures.rendered(tmp_path, pictures.encoded(picture, "image/png"), "image/png")
    assert all(near(pictures.pixel(each, 32, 32), (255, 255, 255), tolerance=2) for each in pictures.opened(made))


async def test_cmyk(tmp_path: Path) -> None:
    """A CMYK JPEG becomes sRGB."""
    original = pictures.encoded(pictures.quarters().convert("CMYK"), "image/jpeg")
    made = await pictures.rendered(tmp_path, original, "image/jpeg")
    assert all(
        each.mode == "RGB" and near(pictures.pixel(each, 20, 20), RED, tolerance=50) for each in pictures.opened(made)
    )


async def test_several_pictures(tmp_path: Path) -> None:
    """A HEIC with several pictures, such as a burst, becomes a photo of its primary one."""
    others = [pictures.quarters().rotate(turn) for turn in (90, 180)]
    original = pictures.encoded(pictures.quarters(), "image/heic", save_all=True, append_images=others)
    made = await pictures.rendered(tmp_path, original, "image/heic")
    assert (made.picture.width, made.picture.height) == (120, 80)
    assert all(_shows(picture, UPRIGHT) for picture in pictures.opened(made))


async def test_thumbhash(tmp_path: Path) -> None:
    """The thumbhash draws a blurred picture with the same shape and colours."""
    picture = Image.new("RGB", (300, 200), GREEN)
    made = await pictures.rendered(tmp_path, pictures.encoded(picture, "image/jpeg"), "image/jpeg")
    thumbhash = made.picture.thumbhash
    assert near(_average_colour(thumbhash), GREEN, tolerance=20)
    # An opaque picture's longer side counts as 7, and the shorter one's count is in the hash.
    assert 7 / (thumbhash[3] & 7) == pytest.approx(1.5, abs=0.2)


async def test_very_tall(tmp_path: Path) -> None:
    """A picture too tall for the formats at its own width becomes narrower."""
    original = pictures.encoded(Image.new("RGB", (20, 20_000), GREEN), "image/png")
    made = await pictures.rendered(tmp_path, original, "image/png")
    assert (made.picture.width, made.picture.height) == (20, 20_000)
    assert {(each.width, each.height) for each in made.picture.renditions} == {(16, 16_000)}


async def test_starts_light(tmp_path: Path) -> None:
    """The render process does not import what only its parent or rare types need."""
    program = (
        "import sys, media_svc.sandbox.render_process; "
        "print(*{'asyncio', 'pillow_heif', 'pydantic'} & {*sys.modules}, 'end')"
    )
    lines: list[str] = []

    async def on_line(line: str) -> None:
        lines.append(line)

    limits = ProcessLimits(2 * 1024**3, cpu_seconds=60, wall_seconds=120)
    ended = await run_limited((sys.executable, "-c", program), tmp_path, limits, on_line, STARTING_PYTHON)
    assert (ended.code, lines) == (0, ["end"])


@given(width=st.integers(1, 65_000), height=st.integers(1, 65_000))
def test_sizes_rule(width: int, height: int) -> None:
    """Sizes never enlarge; widths ascend to the own width or the last rung; the aspect ratio is kept."""
    result = sizes(width, height)
    widths = [each for each, _ in result]
    assert widths == sorted(set(widths))
    assert set(widths[:-1]) <= set(RUNG_WIDTHS)
    assert widths[-1] <= min(width, RUNG_WIDTHS[-1])
    assert all(1 <= each <= MAX_HEIGHT for _, each in result)
    assert all(abs(high - height * wide / width) <= 1 for wide, high in result if high > 1 and wide > 1)


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (4000, [320, 640, 1080, 1440]),
        (1440, [320, 640, 1080, 1440]),
        (700, [320, 640, 700]),
        (320, [320]),
        (200, [200]),
    ],
)
def test_ladder(width: int, expected: list[int]) -> None:
    """A picture has every rung below its own width, and its own width."""
    assert [each for each, _ in sizes(width, width)] == expected


def _average_colour(thumbhash: bytes) -> tuple[int, int, int]:
    """Read the average colour of an opaque picture from the first 18 bits of its thumbhash."""
    header = int.from_bytes(thumbhash[:3], "little")
    light, yellow, red_green = header & 63, header >> 6 & 63, header >> 12 & 63
    blue = light / 63 - 2 / 3 * (yellow / 31.5 - 1)
    red = (3 * light / 63 - blue + red_green / 31.5 - 1) / 2
    green = red - (red_green / 31.5 - 1)
    return round(red * 255), round(green * 255), round(blue * 255)
