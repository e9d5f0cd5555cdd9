"""How far an upload is."""

from collections.abc import Callable, Iterable


class Progress:
    """Tells how many bytes of a file are sent. A part that is sent again is counted again, but the number told never shrinks."""

    def __init__(self, total: int, tell: Callable[[int, int], None] | None) -> None:
        self._total = total
        self._tell = tell
        self._sent: dict[int, int] = {}
        self._sum = 0
        self._told = -1

    def begin(self, missing: Iterable[int]) -> None:
        """Say how large the parts are that will be sent; all others are there."""
        self._sent = {}
        self._sum = self._total - sum(missing)
        self._show()

    def restart(self, number: int) -> None:
        """Say that a part begins, again maybe."""
        self._sum -= self._sent.get(number, 0)
        self._sent[number] = 0

    def add(self, number: int, count: int) -> None:
        """Say that some bytes of a part are sent."""
        self._sent[number] = self._sent.get(number, 0) + count
        self._sum += count
        self._show()

    def _show(self) -> None:
        if self._tell is not None and self._sum > self._told:
            self._told = self._sum
            self._tell(self._sum, self._total)
