"""How long to wait before a part that ended starts again."""

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 10.0
STEADY_SECONDS = 30.0
"""A part that ran this long has shown that it works: the next pause is the first one again."""


class Backoff:
    """Doubles the pause from one end to the next."""

    def __init__(self) -> None:
        self._next = FIRST_SECONDS

    def after(self, ran_seconds: float) -> float:
        """Tell the pause, in seconds, after an end that followed so many seconds of running."""
        pause = FIRST_SECONDS if ran_seconds >= STEADY_SECONDS else self._next
        self._next = min(pause * 2, LONGEST_SECONDS)
        return pause
