"""Lists that come page by page."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class Page(Generic[Item]):
    """What one call returned."""

    items: list[Item]
    next_cursor: str | None
    empty_reason: str = ""


class AsyncPages(Generic[Item]):
    """The items of a list, one after another to its end; the next page is asked for when it is needed.

    A page that could not be read is asked for again by the next step: an error loses no place. `next_cursor` tells where the
    page after the last one read begins: given as `cursor=` it goes on from there, the next day too. It is None at the end, and
    before the first page what the list was begun with.
    """

    def __init__(self, read: Callable[[str], Awaitable[Page[Item]]], cursor: str | None = None) -> None:
        self._read = read
        self._items: list[Item] = []
        self._ended = False
        self.next_cursor: str | None = cursor or None
        self.empty_reason = ""
        """Of a feed whose first page is empty: FOLLOWS_NOBODY or NO_POSTS_YET."""

    async def next_page(self) -> list[Item]:
        """Return what is left of the page in hand, or the whole next one; an empty list at the end."""
        raise NotImplementedError

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        raise NotImplementedError


class Pages(Generic[Item]):
    """The same as AsyncPages, for programs that wait."""

    def __init__(self, pages: AsyncPages[Item], run: Callable[..., Any]) -> None:
        self._pages = pages
        self._run = run

    @property
    def next_cursor(self) -> str | None:
        """Where the page after the last one read begins; None at the end."""
        return self._pages.next_cursor

    @property
    def empty_reason(self) -> str:
        """Of a feed whose first page is empty: FOLLOWS_NOBODY or NO_POSTS_YET."""
        return self._pages.empty_reason

    def next_page(self) -> list[Item]:
        """Return what is left of the page in hand, or the whole next one; an empty list at the end."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[Item]:
        return self

    def __next__(self) -> Item:
        raise NotImplementedError
