"""Tests that a WebP with bytes that no decoder uses is never served unchanged."""

import random
from pathlib import Path

import av
import pytest
from PIL import Image

from media_svc.sandbox.originals.keep import clean_original
from tests.media_svc import pictures

pytestmark = pytest.mark.slow

PAGE = b"<html><script>alert(document.domain)</script></html>"
WEBP = "image/webp"
# Where the frame begins, and in it the first partition.
FRAME, FIRST = 20, 10


def _textured(width: int = 200, height: int = 150) -> Image.Image:
    return Image.frombytes("RGB", (width, height), random.Random(5).randbytes(width * height * 3))


def _file(frame: bytes, *chunks: bytes, name: bytes = b"VP8 ", padding: bytes = b"\0") -> bytes:
    chunk = name + len(frame).to_bytes(4, "little") + frame + padding * (len(frame) % 2)
    body = b"WEBP" + chunk + b"".join(chunks)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def _frame(quality: int = 40) -> bytes:
    content = pictures.encoded(_textured(), WEBP, quality=quality)
    return content[FRAME : FRAME + int.from_bytes(content[16:20], "little")]


def _frame_of_parts(log2_parts: int, height: int = 160) -> bytes:
    """Return a VP8 frame whose coefficients are in several partitions, as the encoders of videos write it."""
    codec = av.CodecContext.create("libvpx", "w")
    assert isinstance(codec, av.VideoCodecContext)
    codec.width, codec.height, codec.pix_fmt = 160, height, "yuv420p"
    codec.options = {"slices": str(1 << log2_parts), "deadline": "good", "crf": "20", "b": "4M"}
    textured = av.VideoFrame.from_image(_textured(160, height))  # type: ignore[no-untyped-call]  # its image has no type
    picture = textured.reformat(format="yuv420p")
    [packet] = [*codec.encode(picture), *codec.encode(None)]
    return bytes(packet)


def _first_bytes(frame: bytes) -> int:
    return int.from_bytes(frame[:3], "little") >> 5


def _with_longer_first(frame: bytes, extra: bytes) -> bytes:
    """Return a frame with bytes behind its first partition, which its size covers."""
    tag = int.from_bytes(frame[:3], "little") + (len(extra) << 5)
    end = FIRST + _first_bytes(frame)
    return tag.to_bytes(3, "little") + frame[3:end] + extra + frame[end:]


def _with_longer_part(frame: bytes, count: int, part: int, extra: bytes) -> bytes:
    """Return a frame with bytes behind one of its `count` partitions of coefficients."""
    sizes_at = FIRST + _first_bytes(frame)
    sizes = [int.from_bytes(frame[at : at + 3], "little") for at in range(sizes_at, sizes_at + 3 * (count - 1), 3)]
    end = sizes_at + 3 * (count - 1) + sum(sizes[: part + 1])
    if part == count - 1:
        return frame + extra
    sizes[part] += len(extra)
    stated = b"".join(size.to_bytes(3, "little") for size in sizes)
    return frame[:sizes_at] + stated + frame[sizes_at + len(stated) : end] + extra + frame[end:]


def _is_clean(folder: Path, content: bytes) -> bool:
    (folder / "original").write_bytes(content)
    return clean_original(folder / "original", WEBP) == content


async def _is_hidden(folder: Path, content: bytes) -> bool:
    """Return whether a file is accepted as a photo, but served without its page."""
    assert PAGE in content
    made = await pictures.rendered(folder, content, WEBP)
    return not any(PAGE in each for each in made.contents.values())


@pytest.mark.parametrize("place", ["first partition", "last partition", "other chunk", "unknown chunk"])
async def test_a_page_in_ignored_bytes(tmp_path: Path, place: str) -> None:
    """A page that decoders ignore, in a picture that they show, is in no rendition."""
    frame = _frame()
    unknown = b"PAGE" + len(PAGE).to_bytes(4, "little") + PAGE
    hostile = {
        "first partition": _file(_with_longer_first(frame, PAGE)),
        "last partition": _file(frame + PAGE),
        "other chunk": _file(frame, b"EXIF" + unknown[4:]),
        "unknown chunk": _file(frame, unknown),
    }[place]
    assert _is_clean(tmp_path, _file(frame))
    assert not _is_clean(tmp_path, hostile)
    assert await _is_hidden(tmp_path, hostile)


@pytest.mark.parametrize("log2_parts", [1, 2, 3])
def test_a_page_in_each_of_many_partitions(tmp_path: Path, log2_parts: int) -> None:
    """Each partition of coefficients must be used up to its end."""
    frame, count = _frame_of_parts(log2_parts), 1 << log2_parts
    assert _is_clean(tmp_path, _file(frame))
    for part in range(count):
        assert not _is_clean(tmp_path, _file(_with_longer_part(frame, count, part, PAGE)))
    assert not _is_clean(tmp_path, _file(_with_longer_first(frame, PAGE)))


def test_a_page_in_an_unused_partition(tmp_path: Path) -> None:
    """A picture of one row of macroblocks uses one partition. What the others hold is ignored."""
    frame = _frame_of_parts(2, height=16)
    for part in (1, 2, 3):
        assert not _is_clean(tmp_path, _file(_with_longer_part(frame, 4, part, PAGE)))


def test_ignored_bits(tmp_path: Path) -> None:
    """A scale of the picture, another profile, a hidden frame or a filled padding is not kept."""
    frame = _frame()
    odd = frame + bytes(1 + len(frame) % 2)
    scaled = frame[:7] + bytes((frame[7] | 0x40,)) + frame[8:]
    profile = bytes((frame[0] | 0x0E,)) + frame[1:]
    hidden = bytes((frame[0] & ~0x10,)) + frame[1:]
    assert _is_clean(tmp_path, _file(odd))
    assert not _is_clean(tmp_path, _file(odd, padding=b"x"))
    assert not any(_is_clean(tmp_path, _file(each)) for each in (scaled, profile, hidden, frame[:9], frame[:40], b""))


async def test_lossless_pictures(tmp_path: Path) -> None:
    """A lossless WebP is always compressed again: its palette may hold what no pixel uses."""
    content = pictures.encoded(_textured(), WEBP, lossless=True)
    size = int.from_bytes(content[16:20], "little")
    hostile = _file(content[FRAME : FRAME + size] + PAGE, name=b"VP8L")
    assert not _is_clean(tmp_path, content)
    assert not _is_clean(tmp_path, hostile)
    assert await _is_hidden(tmp_path, hostile)


@pytest.mark.parametrize("quality", [1, 40, 75, 90])
@pytest.mark.parametrize("method", [0, 4, 6])
def test_ordinary_pictures(tmp_path: Path, quality: int, method: int) -> None:
    """Every lossy WebP of the usual encoder is clean."""
    smooth = Image.linear_gradient("L").resize((300, 200)).convert("RGB")
    for picture in (_textured(), _textured(33, 17), smooth, pictures.quarters()):
        assert _is_clean(tmp_path, pictures.encoded(picture, WEBP, quality=quality, method=method))
