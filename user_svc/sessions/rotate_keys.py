"""Rotate the keys that sign access tokens, without any token being refused."""

import contextlib
import fcntl
import time
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from meshkit.settings import SettingsError
from user_svc.sessions.key_ring import SigningKey, read_keys
from user_svc.sessions.keys import JWKS_FILE, KEY_FILE, PRIVATE, PUBLIC, jwks_of, key_id, make_keys, replace_file

# An old key stays longer than a new one takes to settle plus the life of the old key's last token.
KEEP_SECONDS = 24 * 60 * 60


def rotate_keys(folder: Path, now: int | None = None) -> list[SigningKey]:
    """Add a new key to a folder's `token-key.pem` and `jwks.json`, and drop keys outdated for over a day.

    Returns all keys, oldest first. Creates the first key if there is none. Several processes may call this at once. Raises
    SettingsError if the file holds something else.
    """
    make_keys(folder)
    with _locked(folder):
        moment = int(time.time()) if now is None else now
        keys = [*_still_needed(read_keys(folder / KEY_FILE), moment), SigningKey(Ed25519PrivateKey.generate(), moment)]
        _write(folder, keys)
    return keys


def drop_key(folder: Path, dropped: str) -> list[SigningKey]:
    """Drop a key that was stolen, by its id. Its tokens are refused as soon as the edges see the new JWKS.

    Returns the keys that are left, oldest first; if there is none, a new one that signs at once. Apps whose tokens are refused
    refresh them. Raises SettingsError if no key has this id.
    """
    with _locked(folder):
        known = read_keys(folder / KEY_FILE)
        keys = [each for each in known if key_id(each.key.public_key()) != dropped]
        if len(keys) == len(known):
            raise SettingsError(f"no key in {folder} has the id {dropped}")
        keys = keys or [SigningKey(Ed25519PrivateKey.generate(), int(time.time()))]
        _write(folder, keys)
    return keys


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / ".rotation").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write(folder: Path, keys: list[SigningKey]) -> None:
    # The edges first: a key that they do not know must never sign.
    replace_file(folder / JWKS_FILE, jwks_of(keys), PUBLIC)
    replace_file(folder / KEY_FILE, b"".join(each.pem() for each in keys), PRIVATE)


def _still_needed(keys: list[SigningKey], now: int) -> list[SigningKey]:
    """Drop each key whose successor is older than KEEP_SECONDS."""
    successors = [*keys[1:], None]
    return [
        key
        for key, successor in zip(keys, successors, strict=True)
        if successor is None or successor.created_at + KEEP_SECONDS > now
    ]
