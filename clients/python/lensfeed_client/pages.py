"""Iterating over paged lists."""

from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Page(Generic[Item]):
    """The result of one call: the items, the next page's cursor (None at the end), and why there are none."""

    items: Iterable[Item]
    next_cursor: str | None
    empty_reason: str = ""


class Run(Protocol):
    """Runs a coroutine from a blocking thread."""

    def __call__(self, coroutine: Coroutine[Any, Any, Result], /) -> Result:
        """Return the coroutine's result."""
        ...


class AsyncPages(Generic[Item]):
    """Iterates over the items of a list and loads each page when it is needed.

    After an error, the next step loads the same page again, so no item is skipped. `next_cursor` is where the page after the
    last loaded one begins. Pass it as `cursor=` to continue there later, even the next day. It is None at the end; before the
    first page it is the cursor that the list was created with.
    """

    def __init__(self, read: Callable[[str], Awaitable[Page[Item]]], cursor: str | None = None) -> None:
        self._read = read
        self._items: deque[Item] = deque()
        self._ended = False
        self.next_cursor: str | None = cursor or None
        self.empty_reason = ""
        """Why a feed's first page is empty: FOLLOWS_NOBODY or NO_POSTS_YET."""

    async def next_page(self) -> list[Item]:
        """Return the rest of the current page, or the next page if nothing is left. Empty at the end."""
        await self._fill()
        return await self.next_items(len(self._items))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        for item in await self.next_items(1):
            return item
        raise StopAsyncIteration

    async def next_items(self, count: int) -> list[Item]:
        """Return at most `count` items from the current page or the next one. Empty at the end."""
        await self._fill()
        return [self._items.popleft() for _ in range(min(count, len(self._items)))]

    async def _fill(self) -> None:
        """Load pages until there is an item or the list ends."""
        while not self._items and not self._ended:
            page = await self._read(self.next_cursor or "")
            self._items.extend(page.items)
            self.next_cursor, self.empty_reason = page.next_cursor, page.empty_reason
            self._ended = page.next_cursor is None


class Pages(Generic[Item]):
    """The blocking version of AsyncPages."""

    def __init__(self, pages: AsyncPages[Item], run: Run) -> None:
        self._pages = pages
        self._run = run

    @property
    def next_cursor(self) -> str | None:
        """Where the page after the last loaded one begins; None at the end."""
        return self._pages.next_cursor

    @property
    def empty_reason(self) -> str:
        """Why a feed's first page is empty: FOLLOWS_NOBODY or NO_POSTS_YET."""
        return self._pages.empty_reason

    def next_page(self) -> list[Item]:
        """Return the rest of the current page, or the next page if nothing is left. Empty at the end."""
        return self._run(self._pages.next_page())

    def __iter__(self) -> Iterator[Item]:
        return self

    def __next__(self) -> Item:
        for item in self._run(self._pages.next_items(1)):
            return item
        raise StopIteration
