"""Errors of starting and running a mesh."""


class MeshError(Exception):
    """The mesh cannot start or continue. The text says what happened and what to do."""


class NotReady(MeshError):  # noqa: N818 - reads better without the suffix
    """A part exited before it was ready, or took too long."""

    def __init__(self, text: str, *, timed_out: bool) -> None:
        super().__init__(text)
        self.timed_out = timed_out
