"""Statements and their kinds."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any


class Kind(Enum):
    """Determines a statement's consistency level and the meaning of a failure."""

    READ = auto()
    # A read that sees every confirmed write and claim.
    SURE_READ = auto()
    # A read that completes and sees every claim in progress.
    SERIAL_READ = auto()
    WRITE = auto()
    # A lightweight transaction. The first column of its answer tells whether it was applied.
    CLAIM = auto()


@dataclass(frozen=True, slots=True)
class Statement:
    """One CQL statement with `?` parameters. Only an idempotent one may be sent twice."""

    cql: str
    kind: Kind
    is_idempotent: bool


# A statement with its parameters, as a batch takes it.
Step = tuple[Statement, tuple[Any, ...]]


def read(cql: str) -> Statement:
    """Create a read. It must have the whole partition key and a LIMIT."""
    return Statement(cql, Kind.READ, is_idempotent=True)


def sure_read(cql: str) -> Statement:
    """Create a read at the consistency of writes, for decisions that need the latest value. Bounded like `read`."""
    return Statement(cql, Kind.SURE_READ, is_idempotent=True)


def serial_read(cql: str) -> Statement:
    """Create a read that finds out the result of a claim with an unknown outcome."""
    return Statement(cql, Kind.SERIAL_READ, is_idempotent=True)


def write(cql: str, *, is_idempotent: bool = True) -> Statement:
    """Create a write. Counter updates and list appends are not idempotent."""
    return Statement(cql, Kind.WRITE, is_idempotent)


def claim(cql: str) -> Statement:
    """Create a lightweight transaction (`IF …`). It is never repeated, because a second one would see the first one's effect.

    Under contention a coordinator does repeat it, so the row of an answer that says "not applied" may be this claim's own.
    """
    return Statement(cql, Kind.CLAIM, is_idempotent=False)
