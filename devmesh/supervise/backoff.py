"""The pause before a failed part is restarted."""

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 10.0
STEADY_SECONDS = 30.0
"""After running this long, a part counts as healthy and the pause is reset."""


class Backoff:
    """Doubles the pause after each failure."""

    def __init__(self) -> None:
        self._next = FIRST_SECONDS

    def after(self, ran_seconds: float) -> float:
        """Return the pause in seconds before the next start, after a run of `ran_seconds`."""
        pause = FIRST_SECONDS if ran_seconds >= STEADY_SECONDS else self._next
        self._next = min(pause * 2, LONGEST_SECONDS)
        return pause
