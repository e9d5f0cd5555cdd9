"""Sample people and pictures."""

import io
from random import Random

from PIL import Image

from devmesh.sample.people import sample_people
from devmesh.sample.pictures import SIZES, draw_picture


def test_the_same_seed_gives_the_same_people() -> None:
    """The same seed gives the same people, so that a second run finds them."""
    assert sample_people(1, 5, 3, 2) == sample_people(1, 5, 3, 2)
    assert sample_people(1, 5, 3, 2) != sample_people(2, 5, 3, 2)


def test_sample_people_fit_the_contract() -> None:
    """Handles are valid and unique, and nobody follows themselves."""
    people = sample_people(1, 200, 2, 5)
    assert len({person.handle for person in people}) == 200
    for place, person in enumerate(people):
        assert 3 <= len(person.handle) <= 30
        assert set(person.handle) <= set("abcdefghijklmnopqrstuvwxyz0123456789_.")
        assert place not in person.follows
        assert len(set(person.follows)) == (199 if place == 0 else 5)
        assert len(person.posts) == 2


def test_pictures_are_jpegs_of_several_sizes() -> None:
    """Pictures are JPEGs of several sizes, the same for the same seed."""
    pictures = [draw_picture(Random(number)) for number in range(12)]
    sizes = set()
    for picture in pictures:
        with Image.open(io.BytesIO(picture)) as image:
            image.load()
            assert image.format == "JPEG"
            sizes.add(image.size)
    assert len(sizes) > 1
    assert sizes <= set(SIZES)
    assert draw_picture(Random(3)) == pictures[3]
