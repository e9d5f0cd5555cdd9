"""Statements: prepared once a process, and marked with what the bridge may do with them."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any


class Kind(Enum):
    """Which consistency a statement takes, and what a failure of it means."""

    READ = auto()
    # A read that sees every write and claim that was confirmed.
    SURE_READ = auto()
    # A read that sees, and completes, every claim that may still be under way.
    SERIAL_READ = auto()
    WRITE = auto()
    # A lightweight transaction: its answer's first column tells whether it was applied.
    CLAIM = auto()


@dataclass(frozen=True, slots=True)
class Statement:
    """One CQL statement with `?` parameters. Only an idempotent one is ever sent twice."""

    cql: str
    kind: Kind
    is_idempotent: bool


# A statement with its parameters, as a batch takes it.
Step = tuple[Statement, tuple[Any, ...]]


def read(cql: str) -> Statement:
    """Make a read. It must be bounded by its whole partition key and a LIMIT."""
    return Statement(cql, Kind.READ, is_idempotent=True)


def sure_read(cql: str) -> Statement:
    """Make a read at the consistency of writes, for where a miss or an old value would be believed. Bounded as `read` is."""
    return Statement(cql, Kind.SURE_READ, is_idempotent=True)


def serial_read(cql: str) -> Statement:
    """Make a read that decides what a claim of unknown outcome has come to."""
    return Statement(cql, Kind.SERIAL_READ, is_idempotent=True)


def write(cql: str, *, is_idempotent: bool = True) -> Statement:
    """Make a write. Counter updates and list appends are not idempotent."""
    return Statement(cql, Kind.WRITE, is_idempotent)


def claim(cql: str) -> Statement:
    """Make a lightweight transaction (`IF …`). It is never repeated: the second try would see the first one's effect.

    A coordinator does repeat it under contention: what is answered as not applied may be what stands by this very claim.
    """
    return Statement(cql, Kind.CLAIM, is_idempotent=False)
