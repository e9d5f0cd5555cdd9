"""Creates sample people with posts and follows. The same seed gives the same people."""

from dataclasses import dataclass
from random import Random

PASSWORD = "lensfeed-sample"  # noqa: S105 - of sample people
"""The password of every sample person."""

FIRST_NAMES = (
    "Ada",
    "Bela",
    "Chidi",
    "Dora",
    "Emre",
    "Freya",
    "Goran",
    "Hana",
    "Ines",
    "Jonas",
    "Kofi",
    "Lina",
    "Mirai",
)
LAST_NAMES = ("Amari", "Berg", "Costa", "Dahl", "Eze", "Fischer", "Haddad", "Ito", "Kaya", "Lund", "Moreau", "Novak")
BIOS = ("Light and long walks.", "Film, mostly.", "Cities before breakfast.", "Hills, in any weather.", "")
SCENES = (
    "First light",
    "After the rain",
    "Last tram home",
    "The long way round",
    "Above the fog",
    "Nobody up yet",
    "Blue hour",
)
THOUGHTS = (
    "could have stayed all day",
    "worth the cold hands",
    "one frame left",
    "no filter, just patience",
    "again tomorrow",
)
TAGS = ("#hills", "#citylights", "#35mm", "#goldenhour", "#walks", "")

# The people whom the private one lets wait.
ASKERS = (1, 2)


@dataclass(frozen=True)
class SamplePost:
    """A post to create: its caption and a seed for each picture."""

    caption: str
    picture_seeds: tuple[str, ...]


@dataclass(frozen=True)
class SamplePerson:
    """A person to create. `follows` and `accepts` are indexes in the list of people.

    The account is private if it accepts somebody. Who else follows it has asked for it, without an answer.
    """

    handle: str
    display_name: str
    bio: str
    posts: tuple[SamplePost, ...]
    follows: tuple[int, ...]
    accepts: tuple[int, ...] = ()


def sample_people(seed: int, people: int, posts: int, follows: int) -> list[SamplePerson]:
    """Create people with this many posts and follows each. The first one follows everyone.

    Of four people or more, the last one is private, accepts the first, and is asked by two more.
    """
    return [_person(seed, place, people, posts, follows) for place in range(people)]


def _person(seed: int, place: int, people: int, posts: int, follows: int) -> SamplePerson:
    chance = Random(f"{seed}/{place}")  # noqa: S311 - pictures, not secrets
    first, last = chance.choice(FIRST_NAMES), chance.choice(LAST_NAMES)
    private = people - 1 if people > len(ASKERS) + 1 else None
    others = [other for other in range(people) if other not in (place, private)]
    asked = () if private is None or place not in (0, *ASKERS) else (private,)
    return SamplePerson(
        handle=f"{first}.{last}.{seed}.{place}".lower(),
        display_name=f"{first} {last}",
        bio=chance.choice(BIOS),
        posts=tuple(_post(chance, f"{seed}/{place}/{number}") for number in range(posts)),
        follows=(*(others if place == 0 else chance.sample(others, min(follows, len(others)))), *asked),
        accepts=(0,) if place == private else (),
    )


def _post(chance: Random, name: str) -> SamplePost:
    caption = f"{chance.choice(SCENES)}, {chance.choice(THOUGHTS)}. {chance.choice(TAGS)}".rstrip()
    pictures = chance.choices((1, 2, 3), weights=(8, 2, 1))[0]
    return SamplePost(caption, tuple(f"{name}/{number}" for number in range(pictures)))
