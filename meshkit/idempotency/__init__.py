"""Idempotency keys: each binds the first call that uses it to the id of what it creates, for 24 hours.

A repeat of the call gets the same id, finishes whatever the first call did not, and so answers as the first one did. Each service
has a table `idempotency` whose migration names the column with the id.
"""

from meshkit.idempotency.claim import NO_USER, TTL_MS, Claim, Keys, check_key, mismatch

__all__ = ["NO_USER", "TTL_MS", "Claim", "Keys", "check_key", "mismatch"]
