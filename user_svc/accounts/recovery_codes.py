"""Recovery codes: ten random texts that each set a new password once."""

import base64
import hashlib
import secrets

CODES = 10
# 80 bits cannot be guessed, so a plain SHA-256 is enough.
_CODE_BYTES = 10
_GROUP = 4


def new_codes() -> list[str]:
    """Return ten new codes as people read them: `k3zq-7bwm-x2ha-5tnc`."""
    return [_grouped(base64.b32encode(secrets.token_bytes(_CODE_BYTES)).decode().lower()) for _ in range(CODES)]


def code_hash(text: str) -> bytes:
    """Return the stored hash of a code, however it was typed: in any case, with spaces or without hyphens."""
    typed = "".join(each for each in text.lower() if each.isalnum())
    return hashlib.sha256(typed.encode()).digest()


def _grouped(text: str) -> str:
    return "-".join(text[start : start + _GROUP] for start in range(0, len(text), _GROUP))
