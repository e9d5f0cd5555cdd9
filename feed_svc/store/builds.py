"""Tokens of builds: who builds a timeline, and since when."""

import secrets
import time

# A build takes well below a second; after this long its builder is taken for dead.
BUILD_LEASE_MS = 10_000
# What a dead builder leaves goes away by itself.
BUILD_TTL_SECONDS = 60


def new_token() -> bytes:
    """Return a token: 6 bytes of milliseconds, by which builds are aged, and 2 random ones."""
    return _now_ms().to_bytes(6) + secrets.token_bytes(2)


def oldest_alive() -> bytes:
    """Return the token of the oldest build that may still be going on."""
    return (_now_ms() - BUILD_LEASE_MS).to_bytes(6) + b"\xff\xff"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
