"""Tests of HDR photos and of photos with a gain map."""

import io
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image

from tests.media_svc import films, pictures
from tests.media_svc.pictures import near

pytestmark = pytest.mark.slow

_RED, _BLUE, _GREY = (200, 60, 40), (30, 90, 180), (128, 128, 128)
_TRANSFERS = {"arib-std-b67": 18, "smpte2084": 16}
_SIZE = (320, 180)


def _source(colour: pictures.Colour, size: tuple[int, int] = _SIZE) -> str:
    return f"color=c=0x{bytes(colour).hex()}:s={size[0]}x{size[1]}:r=1:d=1,format=gbrp"


def _in_hdr(transfer: str, matrix: str, pixels: str, nits: int = 203) -> str:
    sdr = "zscale=pin=bt709:tin=iec61966-2-1:min=gbr:rin=pc"
    return f"{sdr}:p=bt2020:t={transfer}:m={matrix}:r=pc:npl={nits}:agamma=false,format={pixels}"


def _heic(folder: Path, colour: pictures.Colour, transfer: str, nits: int = 203) -> bytes:
    """Return a HEIC with 10 bits, as phones and cameras write HDR photos."""
    raw, file = folder / "pixels", io.BytesIO()
    filters = _in_hdr(transfer, "gbr", "rgb48le", nits)
    films.run_ffmpeg("-f", "lavfi", "-i", _source(colour), "-vf", filters, "-frames:v", "1", "-f", "rawvideo", str(raw))
    coding = {"color_primaries": 9, "transfer_characteristics": _TRANSFERS[transfer], "matrix_coefficients": 9}
    pillow_heif.encode("RGB;16", _SIZE, raw.read_bytes(), file, quality=95, full_range_flag=1, **coding)
    return file.getvalue()


def _avif(folder: Path, colour: pictures.Colour, transfer: str, size: tuple[int, int] = _SIZE) -> bytes:
    path = folder / "hdr.avif"
    tags = ("-color_primaries", "bt2020", "-color_trc", transfer, "-colorspace", "bt2020nc", "-color_range", "pc")
    codec = ("-c:v", "libaom-av1", "-cpu-used", "8", "-still-picture", "1", "-frames:v", "1")
    filters = _in_hdr(transfer, "bt2020nc", "yuv420p10le")
    films.run_ffmpeg("-f", "lavfi", "-i", _source(colour, size), "-vf", filters, *codec, *tags, str(path))
    return path.read_bytes()


@pytest.mark.parametrize("colour", [_RED, _BLUE, _GREY])
@pytest.mark.parametrize("transfer", _TRANSFERS)
async def test_hdr_heic(tmp_path: Path, transfer: str, colour: pictures.Colour) -> None:
    """A HEIC in HLG or PQ keeps the colours of everything up to the brightness of paper."""
    made = await pictures.rendered(tmp_path, _heic(tmp_path, colour, transfer), "image/heic")
    assert all(near(pictures.pixel(each, 100, 80), colour, 6) for each in pictures.opened(made))


@pytest.mark.parametrize("size", [_SIZE, (3600, 2400)], ids=["small", "large"])
@pytest.mark.parametrize("transfer", _TRANSFERS)
async def test_hdr_avif(tmp_path: Path, transfer: str, size: tuple[int, int]) -> None:
    """So does an AVIF, by either of its decoders."""
    made = await pictures.rendered(tmp_path, _avif(tmp_path, _RED, transfer, size), "image/avif")
    assert all(near(pictures.pixel(each, 100, 80), _RED, 6) for each in pictures.opened(made))


async def test_highlights(tmp_path: Path) -> None:
    """Highlights far brighter than paper are brighter than paper, and neither is cut off to white."""
    levels = []
    for nits in (203, 600):
        original = _heic(tmp_path, (255, 255, 255), "smpte2084", nits)
        made = await pictures.rendered(tmp_path, original, "image/heic")
        levels.append(pictures.pixel(pictures.opened(made)[0], 100, 80)[0])
    paper, light = levels
    assert 215 < paper < light < 255


async def test_gain_map(tmp_path: Path) -> None:
    """Of a JPEG with a gain map (Ultra HDR) the base picture is shown, and the map is not served."""
    base = pictures.encoded(pictures.quarters(), "image/jpeg", progressive=True, quality=95)
    gain = pictures.encoded(Image.new("L", (60, 40), 200), "image/jpeg")
    xmp = (
        b'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf='
        b'"http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"'
        b' hdrgm:Version="1.0"/></rdf:RDF></x:xmpmeta>'
    )
    segment = b"\xff\xe1" + (len(xmp) + 2).to_bytes(2, "big") + xmp
    original = base[:2] + segment + base[2:] + gain
    made = await pictures.rendered(tmp_path, original, "image/jpeg")
    expected = [pictures.RED, pictures.GREEN, pictures.BLUE, pictures.YELLOW]
    for picture in pictures.opened(made):
        assert all(near(*pair) for pair in zip(pictures.corner_colours(picture), expected, strict=True))
    assert not any(b"hdrgm" in content or content.count(b"\xff\xd8\xff") > 1 for content in made.contents.values())
