"""Values by key, bounded by bytes and age; the oldest leave first."""

from collections import deque

# What a value takes besides its bytes and those of its key: its places in the dictionary and the queue.
OVERHEAD = 280


class KeptBytes:
    """A dictionary and the order in which it was filled.

    `by_key` is read directly, 20 times for each page: a method of Python would take five times as long.
    """

    def __init__(self, max_bytes: int) -> None:
        self.by_key: dict[bytes, bytes] = {}
        self._max_bytes = max_bytes
        self._bytes = 0
        self._order: deque[tuple[float, bytes, bytes]] = deque()

    def keep(self, key: bytes, value: bytes, now: float) -> None:
        """Keep a value, and drop the oldest ones if there are too many bytes."""
        if key in self.by_key:
            return
        self.by_key[key] = value
        self._order.append((now, key, value))
        self._bytes += _size(key, value)
        while self._bytes > self._max_bytes:
            self._drop_oldest()

    def discard(self, key: bytes) -> None:
        """Drop a value. Its bytes count until it is the oldest one."""
        self.by_key.pop(key, None)

    def drop_older_than(self, moment: float) -> None:
        """Drop the values that were kept before a moment."""
        while self._order and self._order[0][0] < moment:
            self._drop_oldest()

    def clear(self) -> None:
        """Drop all values."""
        self.by_key.clear()
        self._order.clear()
        self._bytes = 0

    def _drop_oldest(self) -> None:
        _, key, value = self._order.popleft()
        self._bytes -= _size(key, value)
        if self.by_key.get(key) is value:  # it was not discarded, nor kept again since
            del self.by_key[key]


def _size(key: bytes, value: bytes) -> int:
    return len(key) + len(value) + OVERHEAD
