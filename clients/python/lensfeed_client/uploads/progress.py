"""The progress of an upload."""

from collections.abc import Callable, Iterable


class Progress:
    """Reports how many bytes of a file are sent. The number never decreases, even if a part is sent again."""

    def __init__(self, total: int, report: Callable[[int, int], None] | None) -> None:
        self._total = total
        self._report = report
        self._sent: dict[int, int] = {}
        self._sum = 0
        self._reported = -1

    def begin(self, missing: Iterable[int]) -> None:
        """Start a round: set the sizes of the parts to send. All others are already stored."""
        self._sent = {}
        self._sum = self._total - sum(missing)
        self._show()

    def restart(self, number: int) -> None:
        """Start a part, possibly again."""
        self._sum -= self._sent.get(number, 0)
        self._sent[number] = 0

    def add(self, number: int, count: int) -> None:
        """Count bytes of a part as sent."""
        self._sent[number] = self._sent.get(number, 0) + count
        self._sum += count
        self._show()

    def _show(self) -> None:
        if self._report is not None and self._sum > self._reported:
            self._reported = self._sum
            self._report(self._sum, self._total)
