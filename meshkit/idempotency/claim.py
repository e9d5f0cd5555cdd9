"""What a key stands for, and where keys are stored."""

from dataclasses import dataclass
from typing import Protocol

from meshkit.errors import AlreadyExistsError, InvalidArgumentError

MAX_LENGTH = 255
# How long a key is bound.
TTL_MS = 24 * 3600 * 1000
# Whose keys those of callers without an account are. No account has this id.
NO_USER = 0


@dataclass(frozen=True, slots=True)
class Claim:
    """What a key stands for: an id, and the request that it was first used with. `claimed_at` is in ms since 1970.

    A fingerprint tells requests apart. Passwords have no place in it, as anybody who reads the table could guess them by it.
    """

    claimed_id: int
    fingerprint: bytes
    claimed_at: int


class Keys(Protocol):
    """Stores what keys stand for."""

    async def claim(self, user_id: int, key: str, claim: Claim) -> Claim:
        """Bind a user's key to a claim unless it was bound within 24 hours. Return what it is bound to.

        Of concurrent calls one binds it. Raises UnavailableError if that cannot be decided.
        """
        ...


def check_key(key: str) -> None:
    """Raise InvalidArgumentError (IDEMPOTENCY_KEY_INVALID) if a text cannot be an idempotency key."""
    if not 1 <= len(key) <= MAX_LENGTH or not (key.isascii() and key.isprintable()):
        raise InvalidArgumentError.of_field(
            "idempotency-key", "IDEMPOTENCY_KEY_INVALID", "an idempotency key is 1 to 255 printable ASCII characters"
        )


def mismatch() -> AlreadyExistsError:
    """Return the error for a key that was used for another request."""
    return AlreadyExistsError("IDEMPOTENCY_MISMATCH", "this idempotency key was used for another request")
