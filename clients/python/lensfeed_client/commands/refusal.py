"""What went wrong, as the command tells it: a sentence and a hint for a person, an object for a program."""

import math
from dataclasses import dataclass
from typing import Any

import grpc

from lensfeed_client.commands.words import WORDS
from lensfeed_client.errors import LensfeedError, Violation

REFUSED, MISUSED = 1, 2
"""Exit codes: the server (or the file, or the network) said no; the command line is wrong."""

_UNANSWERED = {grpc.StatusCode.UNAVAILABLE: "the server is not there for us right now"}
_UNANSWERED[grpc.StatusCode.DEADLINE_EXCEEDED] = "the server took too long to answer"


@dataclass(eq=False)
class Refusal(Exception):  # noqa: N818 - it says what is the case
    """Ends a command. `code` is gRPC's name for the kind of trouble, `reason` the contract's word, or one of ours for our own."""

    code: str
    reason: str
    message: str
    hint: str = ""
    violations: tuple[Violation, ...] = ()
    retry_after: float | None = None
    exit_code: int = REFUSED

    def as_json(self) -> dict[str, Any]:
        """Return the object that --json prints on standard error."""
        shape: dict[str, Any] = {"code": self.code, "reason": self.reason, "message": self.message, "hint": self.hint}
        shape["violations"] = [violation._asdict() for violation in self.violations]
        return shape if self.retry_after is None else {**shape, "retryAfterSeconds": self.retry_after}


def misused(reason: str, message: str, hint: str = "") -> Refusal:
    """Make the refusal of a command line."""
    return Refusal("INVALID_ARGUMENT", reason, message, hint, exit_code=MISUSED)


def not_logged_in(url: str) -> Refusal:
    """Make the refusal of a command that needs a person."""
    hint = "log in with `lensfeed login`, or make an account with `lensfeed signup`"
    return Refusal("UNAUTHENTICATED", "NOT_LOGGED_IN", f"you are not logged in at {url}", hint)


def unreachable(url: str) -> Refusal:
    """Make the refusal of a server where nothing listens."""
    hint = "start a mesh with `lensfeed dev`, or name another server with --url or LENSFEED_URL"
    return Refusal("UNAVAILABLE", "SERVER_UNREACHABLE", f"nothing answers at {url}", hint)


def refusal_of(error: LensfeedError) -> Refusal:
    """Put what the library raised into a person's words."""
    fallback = _UNANSWERED.get(error.code, error.message)
    message, hint = WORDS.get(error.reason, (fallback, ""))
    if error.retry_after:
        hint = f"try again in {math.ceil(error.retry_after)} seconds"
    return Refusal(error.code.name, error.reason, message, hint, tuple(error.violations), error.retry_after)
