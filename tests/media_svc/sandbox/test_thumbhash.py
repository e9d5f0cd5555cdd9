"""ThumbHashes, against those of the format's reference code."""

import random

import pytest

from media_svc.sandbox.thumbhash import encode_thumbhash

# Made by the author's Rust crate.
REFERENCE = [
    (1, 100, 100, "opaque", "20c8093f1c72878770778777777888778787270877827f08"),
    (2, 100, 67, "opaque", "5c270a2d948087878088777787788877707008f888"),
    (3, 56, 100, "opaque", "5d77093c1c750777788887777778848057f787"),
    (4, 40, 40, "clear", "d405860d060773877087886788818027f877a5ac275a780c3b"),
    (5, 3, 90, "opaque", "572609391c78806788867877857079f877"),
    (6, 80, 50, "clear", "9936861388077088818887807008e87733758847a0a6a8"),
]


def picture(seed: int, width: int, height: int, kind: str) -> bytes:
    """Draw gradients and noise; a `clear` picture lets its background through."""
    dice = random.Random(seed)
    pixels = (
        (
            min(255, x * 2 + dice.randrange(40)),
            min(255, y * 3),
            dice.randrange(256),
            dice.randrange(256) if kind == "clear" else 255,
        )
        for y in range(height)
        for x in range(width)
    )
    return b"".join(map(bytes, pixels))


@pytest.mark.parametrize(("seed", "width", "height", "kind", "expected"), REFERENCE)
def test_hashes_are_those_of_the_reference(seed: int, width: int, height: int, kind: str, expected: str) -> None:
    """Pictures of all shapes get the bytes that the reference gives them, clear ones too."""
    assert encode_thumbhash(width, height, picture(seed, width, height, kind)).hex() == expected


@pytest.mark.parametrize("size", [(100, 100), (30, 20), (20, 90)])
def test_one_colour_has_no_waves(size: tuple[int, int]) -> None:
    """What arithmetic leaves of the waves of an even picture stays out of its hash."""
    width, height = size
    hashed = encode_thumbhash(width, height, bytes((0, 128, 0, 255)) * width * height)
    assert hashed[5:].strip(b"\0") == b""


def test_nothing_to_see() -> None:
    """A picture that is clear everywhere is hashed, too."""
    assert len(encode_thumbhash(4, 4, bytes(64))) > 5
