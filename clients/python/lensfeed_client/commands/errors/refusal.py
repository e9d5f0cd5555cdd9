"""The errors of commands: a sentence and a hint for people, an object for programs."""

import math
from dataclasses import dataclass
from typing import Any

import grpc

from lensfeed_client.commands.errors.messages import MESSAGES
from lensfeed_client.errors import LensfeedError, Violation

REFUSED, MISUSED = 1, 2
"""Exit codes: a failure of the server, network or a file; a wrong command line."""

_UNANSWERED = {grpc.StatusCode.UNAVAILABLE: "the server is unavailable right now"}
_UNANSWERED[grpc.StatusCode.DEADLINE_EXCEEDED] = "the server took too long to answer"


@dataclass(eq=False)
class Refusal(Exception):  # noqa: N818 - a refusal is not always an error
    """Ends a command with an error. `reason` is the contract's, or our own for errors of the command itself."""

    code: str
    reason: str
    message: str
    hint: str = ""
    violations: tuple[Violation, ...] = ()
    retry_after: float | None = None
    exit_code: int = REFUSED

    def as_json(self) -> dict[str, Any]:
        """Return the object that --json prints to standard error."""
        shape: dict[str, Any] = {"code": self.code, "reason": self.reason, "message": self.message, "hint": self.hint}
        shape["violations"] = [violation._asdict() for violation in self.violations]
        return shape if self.retry_after is None else {**shape, "retryAfterSeconds": self.retry_after}


def usage_error(reason: str, message: str, hint: str = "") -> Refusal:
    """Return the error for a wrong command line."""
    return Refusal("INVALID_ARGUMENT", reason, message, hint, exit_code=MISUSED)


def not_logged_in(url: str) -> Refusal:
    """Return the error for a command that needs a session."""
    hint = "log in with `lensfeed login`, or create an account with `lensfeed signup`"
    return Refusal("UNAUTHENTICATED", "NOT_LOGGED_IN", f"you are not logged in to {url}", hint)


def unreachable(url: str) -> Refusal:
    """Return the error for a server where nothing listens."""
    hint = "start a mesh with `lensfeed dev`, or choose another server with --url or LENSFEED_URL"
    return Refusal("UNAVAILABLE", "SERVER_UNREACHABLE", f"nothing answers at {url}", hint)


def refusal_of(error: LensfeedError) -> Refusal:
    """Turn the library's error into one for people."""
    fallback = _UNANSWERED.get(error.code, error.message)
    message, hint = MESSAGES.get(error.reason, (fallback, ""))
    if error.retry_after:
        hint = f"try again in {math.ceil(error.retry_after)} seconds"
    return Refusal(error.code.name, error.reason, message, hint, tuple(error.violations), error.retry_after)
