"""Which renditions a render process makes. Light: such processes start with each picture."""

from enum import StrEnum


class Recipe(StrEnum):
    """Which formats, and how hard to try."""

    # Every format, fast: somebody waits for the picture.
    FIRST = "first"
    # AVIF alone, compressed for as long as that pays: for popular pictures, which many load and nobody waits for.
    BETTER_AVIF = "better_avif"
