"""Lists that come page by page."""

from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Page(Generic[Item]):
    """What one call returned: its items, where the next page begins (None at the end), and why there are none."""

    items: Iterable[Item]
    next_cursor: str | None
    empty_reason: str = ""


class Run(Protocol):
    """Runs a coroutine to its end, from a thread that waits."""

    def __call__(self, coroutine: Coroutine[Any, Any, Result], /) -> Result:
        """Return what it returns."""
        ...


class AsyncPages(Generic[Item]):
    """The items of a list, one after another to its end; the next page is asked for when it is needed.

    A page that could not be read is asked for again by the next step: an error loses no place. `next_cursor` tells where the
    page after the last one read begins: given as `cursor=` it goes on from there, the next day too. It is None at the end, and
    before the first page what the list was begun with.
    """

    def __init__(self, read: Callable[[str], Awaitable[Page[Item]]], cursor: str | None = None) -> None:
        self._read = read
        self._items: deque[Item] = deque()
        self._ended = False
        self.next_cursor: str | None = cursor or None
        self.empty_reason = ""
        """Of a feed whose first page is empty: FOLLOWS_NOBODY or NO_POSTS_YET."""

    async def next_page(self) -> list[Item]:
        """Return what is left of the page in hand, or else the whole next one; an empty list at the end."""
        await self._fill()
        return await self.next_items(len(self._items))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        for item in await self.next_items(1):
            return item
        raise StopAsyncIteration

    async def next_items(self, count: int) -> list[Item]:
        """Return at most `count` items of the page in hand or of the next one; an empty list at the end."""
        await self._fill()
        return [self._items.popleft() for _ in range(min(count, len(self._items)))]

    async def _fill(self) -> None:
        """Read on until there is an item, or no page any more."""
        while not self._items and not self._ended:
            page = await self._read(self.next_cursor or "")
            self._items.extend(page.items)
            self.next_cursor, self.empty_reason = page.next_cursor, page.empty_reason
            self._ended = page.next_cursor is None


class Pages(Generic[Item]):
    """The same as AsyncPages, for programs that wait."""

    def __init__(self, pages: AsyncPages[Item], run: Run) -> None:
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
        """Return what is left of the page in hand, or else the whole next one; an empty list at the end."""
        return self._run(self._pages.next_page())

    def __iter__(self) -> Iterator[Item]:
        return self

    def __next__(self) -> Item:
        for item in self._run(self._pages.next_items(1)):
            return item
        raise StopIteration
