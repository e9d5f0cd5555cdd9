"""What a call can fail with."""

from typing import NamedTuple

import grpc


class Violation(NamedTuple):
    """One field of a request that is not as it must be."""

    field: str
    """Its path, as `media_ids`."""
    reason: str
    """The contract's word for what is wrong, as CAPTION_TOO_LONG."""
    description: str
    """The same for people."""


class LensfeedError(Exception):
    """A call that failed: refused by the mesh, or not answered by it in time.

    `code` is gRPC's, `reason` the contract's word for why (as HANDLE_TAKEN; empty where there is none), `message` is for people.
    `violations` tells which fields are wrong, and `retry_after` after how many seconds another try is welcome, where that is known.
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        reason: str,
        message: str,
        *,
        violations: tuple[Violation, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{reason or code.name}: {message}")
        self.code = code
        self.reason = reason
        self.message = message
        self.violations = violations
        self.retry_after = retry_after
