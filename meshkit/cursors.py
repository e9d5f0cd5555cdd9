"""Signed keyset cursors: opaque to apps, bound to a viewer and a list. They never expire.

A cursor is `base64url(version ‖ viewer ‖ position).signature`. The position is the sort key of the last item, never an
offset, and it stays valid when that item is deleted. The server stores nothing. To rotate keys, add the new one last: every key
verifies, the last one signs.
"""

import base64
import binascii
import hashlib
import hmac
import struct
from collections.abc import Sequence

import itsdangerous
from itsdangerous.signer import SigningAlgorithm

from meshkit.errors import InvalidArgumentError

VERSION = 1
_HEADER = struct.Struct(">Bq")


class Cursors:
    """Encodes and decodes the cursors of one list."""

    def __init__(self, keys: Sequence[str], kind: str) -> None:
        self._signer = _Signer(list(keys), f"lensfeed.cursor.{kind}")

    def encode(self, viewer: int, position: bytes) -> str:
        """Return the cursor of a position, valid for one viewer."""
        payload = base64.urlsafe_b64encode(_HEADER.pack(VERSION, viewer) + position).rstrip(b"=")
        return f"{payload.decode()}.{self._signer.signature(payload)}"

    def decode(self, viewer: int, cursor: str) -> bytes:
        """Return the position. Raises InvalidArgumentError (CURSOR_INVALID) for any other viewer's or list's cursor."""
        try:
            payload = self._signer.unsign(cursor.encode())
            decoded = base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4))
            version, owner = _HEADER.unpack_from(decoded)
        except (itsdangerous.BadSignature, binascii.Error, struct.error, UnicodeEncodeError):
            raise invalid_cursor() from None
        if version != VERSION or owner != viewer:
            raise invalid_cursor()
        return decoded[_HEADER.size :]


class _HmacSha256(SigningAlgorithm):
    """HMAC-SHA256 that copies a keyed state instead of hashing the key for every page.

    OpenSSL's HMAC, which the standard library prefers, takes three times as long for a text as short as a cursor.
    """

    def __init__(self) -> None:
        self._keyed: dict[bytes, hmac.HMAC] = {}

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        if key not in self._keyed:
            self._keyed[key] = hmac.new(key, digestmod=_sha256)
        signed = self._keyed[key].copy()
        signed.update(value)
        return signed.digest()


def _sha256(data: bytes = b"") -> "hashlib._Hash":
    """Create a digest. Passing a function keeps the standard library from using OpenSSL's HMAC."""
    return hashlib.sha256(data)


class _Signer(itsdangerous.Signer):
    """An itsdangerous signer that derives its keys once instead of for each signature."""

    def __init__(self, keys: list[str], salt: str) -> None:
        super().__init__(keys, salt=salt, key_derivation="hmac", digest_method=hashlib.sha256, algorithm=_HmacSha256())
        self._derived = {key: super(_Signer, self).derive_key(key) for key in self.secret_keys}
        self._newest = self._derived[self.secret_key]

    def signature(self, payload: bytes) -> str:
        """Return the part after the dot, as `sign` does but with a quarter of the function calls."""
        signed = self.algorithm.get_signature(self._newest, payload)
        return base64.urlsafe_b64encode(signed).rstrip(b"=").decode()

    def derive_key(self, secret_key: str | bytes | None = None) -> bytes:
        return self._derived[self.secret_key if secret_key is None else itsdangerous.want_bytes(secret_key)]


def invalid_cursor() -> InvalidArgumentError:
    """Create the error for a cursor that is not valid for a list."""
    return InvalidArgumentError.of_field("cursor", "CURSOR_INVALID", "the cursor does not belong to this list")
