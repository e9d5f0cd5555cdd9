"""Handles Ctrl-C and other termination signals."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """The first signal cancels the work, the second one kills everything."""

    def __init__(self, cancel: Callable[[], object], kill: Callable[[], None]) -> None:
        self._cancel = cancel
        self._kill = kill
        self.first: signal.Signals | None = None

    @contextlib.contextmanager
    def heard(self) -> Iterator[None]:
        """Handle the signals while the block runs."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._hear, number)
        try:
            yield
        finally:
            for number in SIGNALS:
                loop.remove_signal_handler(number)

    def _hear(self, number: signal.Signals) -> None:
        if self.first is None:
            self.first = number
            self._cancel()
        else:
            self._kill()
