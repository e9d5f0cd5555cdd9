"""How many of each part a mesh runs."""

from collections.abc import Iterable, Mapping, Sequence

from devmesh.errors import MeshError

SERVICES = ("user", "follow", "post", "media", "feed")
WORKERS = ("post", "media", "feed")
EDGE = "edge"
PARTS = (EDGE, *(f"{name}-serve" for name in SERVICES), *(f"{name}-work" for name in WORKERS))
"""The parts that a mesh may run several of."""

MOST = 9


def read_copies(wishes: Iterable[str]) -> dict[str, int]:
    """Read `feed-serve=3` and the like. Raises MeshError."""
    copies = {}
    for wish in wishes:
        part, _, number = wish.partition("=")
        if part not in PARTS:
            raise MeshError(f"--copies {wish}: there is no part {part!r}; the parts are {', '.join(PARTS)}")
        if not (number.isascii() and number.isdigit() and 1 <= int(number) <= MOST):
            raise MeshError(f"--copies {wish}: the number must be between 1 and {MOST}, as in {part}=2")
        copies[part] = int(number)
    return copies


def names_of(part: str, count: int) -> Sequence[str]:
    """Return the names of a part's copies: `feed-serve`, `feed-serve-2` and so on."""
    return [part, *(f"{part}-{number}" for number in range(2, count + 1))]


def extra_parts(copies: Mapping[str, int]) -> list[str]:
    """Return the parts of which there is more than one, each as often as it is repeated, in a fixed order."""
    return [part for part in PARTS for _ in range(copies.get(part, 1) - 1)]
