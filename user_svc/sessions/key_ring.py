"""The keys that sign access tokens: one file with one or more keys.

Every edge must know a key before it signs, and until the last token it signed has expired. So a new key signs only after a while,
and an old one stays in the file and in the JWKS for a while.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from meshkit.settings import SettingsError

# How often to check the file for a rotation.
LOOK_SECONDS = 2.0
# RFC 7468 allows explanatory text before a key. A key without it is the first one.
_KEY = re.compile(
    rb"(?:^created: (?P<created>\S+)\n)?(?P<pem>^-----BEGIN [A-Z ]+-----.*?^-----END [A-Z ]+-----\n?)",
    re.MULTILINE | re.DOTALL,
)
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key and when it was made, in seconds since 1970; 0 for the first, which signs at once."""

    key: Ed25519PrivateKey
    created_at: int = 0

    def pem(self) -> bytes:
        """Return the key as stored in the file."""
        text = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        if not self.created_at:
            return text
        return f"created: {datetime.fromtimestamp(self.created_at, UTC).isoformat()}\n".encode() + text


class KeyRing:
    """The keys of one file. Reads the file again when it is replaced."""

    def __init__(self, file: Path, settle_seconds: int, now: Callable[[], float] = time.time) -> None:
        self._file = file
        self._settle = settle_seconds
        self._now = now
        self._keys = read_keys(file)
        self._version = _version(file)
        self._looked_at = now()

    def current(self) -> Ed25519PrivateKey:
        """Return the newest settled key, or the oldest if none has settled."""
        now = self._now()
        if not 0 <= now - self._looked_at < LOOK_SECONDS:
            self._looked_at = now
            self._reload_if_replaced()
        settled = [each for each in self._keys if each.created_at + self._settle <= now]
        return (settled[-1] if settled else self._keys[0]).key

    def _reload_if_replaced(self) -> None:
        """Reload a replaced file. If it cannot be read, keep the current keys."""
        try:
            version = _version(self._file)
            if version != self._version:
                self._keys = read_keys(self._file)
                self._version = version
                _log.info("token_keys_read", keys=len(self._keys))
        except (OSError, SettingsError) as error:
            _log.error("token_keys_not_read", error=str(error))


def read_keys(file: Path) -> list[SigningKey]:
    """Read a file of keys, oldest first. Raises SettingsError, which says how to make one."""
    try:
        keys = [_parse(match["created"], match["pem"]) for match in _KEY.finditer(file.read_bytes())]
    except (OSError, ValueError, TypeError) as error:
        raise _unusable(file) from error
    if not keys:
        raise _unusable(file)
    return sorted(keys, key=lambda each: each.created_at)


def _parse(created: bytes | None, pem: bytes) -> SigningKey:
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError("not an Ed25519 key")
    return SigningKey(key, int(datetime.fromisoformat(created.decode()).timestamp()) if created else 0)


def _version(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_ino, status.st_mtime_ns


def _unusable(file: Path) -> SettingsError:
    return SettingsError(
        f"{file} is not an Ed25519 key in PEM format (LENSFEED_TOKEN_KEY_FILE); `python -m user_svc keys DIR` creates one"
    )
