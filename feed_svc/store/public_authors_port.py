"""What a page needs to know of authors while follow_svc is away."""

from collections.abc import Collection
from typing import Protocol


class PublicAuthors(Protocol):
    """The authors who were public when follow_svc last said what they are, for a day."""

    async def among(self, authors: Collection[int]) -> set[int]:
        """Return those of the authors who are known to have been public."""
        ...

    async def add(self, authors: Collection[int]) -> None:
        """Remember public authors, except for those who were forgotten in the last minutes."""
        ...

    async def forget(self, authors: Collection[int]) -> None:
        """Forget authors who are private, or whose visibility has changed."""
        ...
