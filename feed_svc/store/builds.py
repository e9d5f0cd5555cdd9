"""Build tokens: who is building a timeline, and since when."""

import itertools
import secrets
import time

# After this long without a renewal a builder is considered dead. Most builds take well below a second; a long one renews itself.
BUILD_LEASE_MS = 10_000
RENEW_SECONDS = 2.0
# Leftovers of a dead builder expire after this.
BUILD_TTL_SECONDS = 60
# Begins anywhere, so that two processes seldom have the same number in the same millisecond.
_numbers = itertools.count(secrets.randbelow(2**16))


def new_token() -> bytes:
    """Return a token: 6 bytes of milliseconds, by which builds are aged, and the number of the build in 2 bytes."""
    return _now_ms().to_bytes(6) + (next(_numbers) % 2**16).to_bytes(2)


def oldest_alive() -> bytes:
    """Return the lowest token of a build that may still be running."""
    return (_now_ms() - BUILD_LEASE_MS).to_bytes(6) + b"\xff\xff"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
