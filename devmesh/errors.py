"""What can go wrong while a mesh starts."""


class MeshError(Exception):
    """The mesh cannot start or go on. Its text is for the person at the terminal: what happened, and what to do."""


class NotReady(MeshError):  # noqa: N818 - it says what is the case
    """A part ended before it answered, or took too long to."""

    def __init__(self, text: str, *, timed_out: bool) -> None:
        super().__init__(text)
        self.timed_out = timed_out
