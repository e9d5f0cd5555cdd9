"""Which renditions a render process makes. Kept light: such a process starts for each picture."""

from enum import StrEnum


class Recipe(StrEnum):
    """Which formats to make, and at what effort."""

    # Every format, fast: the uploader is waiting.
    FIRST = "first"
    # Only AVIF, compressed as well as pays off: for popular pictures, where nobody waits.
    BETTER_AVIF = "better_avif"
