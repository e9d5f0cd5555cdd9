"""Sample people and pictures."""

import io
from random import Random

from PIL import Image

from devmesh.sample.people import ASKERS, sample_people
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
        assert len(set(person.follows)) == (199 if place == 0 else 5 + (place in ASKERS))
        assert len(person.posts) == 2


def test_the_last_of_four_is_private() -> None:
    """It accepts the first person, two more ask, and nobody else does. Fewer people are all public."""
    for count in (4, 20):
        *others, private = sample_people(1, count, 1, 3)
        assert private.accepts == (0,)
        assert not any(person.accepts for person in others)
        assert [place for place, person in enumerate(others) if count - 1 in person.follows] == [0, *ASKERS]
    assert not any(person.accepts for person in sample_people(1, 3, 1, 3))


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
