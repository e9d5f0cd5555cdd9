"""Sessions and refresh tokens.

A refresh token is `<session>.<secret>`, both base64url. The secret has two random parts: the family, which stays for the life of
a session, and the turn, which each refresh replaces. Only their SHA-256 is stored, which is enough for random values.
The family tells an outdated token from a made-up one. Reusing an outdated token revokes the session. A made-up one must not:
session ids are not secret, and reading one in a log must not be enough to end the session.

An app whose refresh got no answer sends the same token again. To answer as before without storing any token, the next turn is an
HMAC of the current one, keyed with a random salt that is stored with the session. Neither the store nor an old token alone is
enough to compute it.
"""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta

from meshkit.errors import UnauthenticatedError

_SESSION_BYTES = 16
_FAMILY_BYTES = 16
_TURN_BYTES = 32
_SESSION_ID = re.compile(r"[A-Za-z0-9_-]{22}")
_SALT_BYTES = 32
# How long after a refresh the same token is answered with the same new tokens, as the contract says.
REPEAT_SECONDS = 60
# 16 bytes are 22 characters of base64, 48 bytes are 64.
_TEXT_SIZE = 22 + 1 + 64


@dataclass(frozen=True, slots=True)
class Session:
    """One log-in. Times are in seconds since 1970; the hashes are of the refresh token's two secrets."""

    session_id: str
    user_id: int
    family_hash: bytes
    turn_hash: bytes
    created_at: int
    expires_at: int
    is_revoked: bool = False
    password_version: int = 0
    last_used_at: int = 0
    device: str = ""
    network: str = ""
    previous_turn_hash: bytes = b""
    turn_salt: bytes = b""

    @property
    def used_at(self) -> int:
        """When it last got tokens."""
        return max(self.last_used_at, self.created_at)

    def repeats(self, token: "RefreshToken", now: int) -> bool:
        """Tell whether a token was exchanged in the last refresh, not long ago: its answer may have been lost."""
        is_previous = hmac.compare_digest(token.turn_hash, self.previous_turn_hash)
        return is_previous and not self.is_revoked and now - self.last_used_at <= REPEAT_SECONDS


@dataclass(frozen=True, slots=True)
class SessionLife:
    """How long a session lives: so long without being refreshed, and so long in all."""

    unused: timedelta
    total: timedelta

    def expiry(self, created_at: int, now: int) -> int:
        """Return when a session that is used now expires, in seconds since 1970."""
        return min(now + int(self.unused.total_seconds()), created_at + int(self.total.total_seconds()))


@dataclass(frozen=True, slots=True)
class Rotation:
    """A refresh: which turn replaces which. `used_at` and `expires_at` are in seconds since 1970."""

    old_turn_hash: bytes
    new_turn_hash: bytes
    salt: bytes
    used_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """What the app holds. Its secrets stay out of tracebacks and logs."""

    session_id: str
    family: bytes
    turn: bytes

    @classmethod
    def new(cls) -> "RefreshToken":
        """Create the first token of a new session."""
        session_id = secrets.token_urlsafe(_SESSION_BYTES)
        return cls(session_id, secrets.token_bytes(_FAMILY_BYTES), secrets.token_bytes(_TURN_BYTES))

    def next(self, salt: bytes) -> "RefreshToken":
        """Return the token that replaces this one. The same salt gives the same token again."""
        return RefreshToken(self.session_id, self.family, hmac.digest(salt, self.family + self.turn, "sha256"))

    @classmethod
    def parse(cls, text: str) -> "RefreshToken":
        """Parse a token. Raises UnauthenticatedError (TOKEN_INVALID) for any other text."""
        if len(text) != _TEXT_SIZE:
            raise invalid_token()
        session_id, _, encoded = text.partition(".")
        try:
            secret = base64.b64decode(encoded, altchars=b"-_", validate=True)
        except ValueError:
            raise invalid_token() from None
        parsed = cls(session_id, secret[:_FAMILY_BYTES], secret[_FAMILY_BYTES:])
        if str(parsed) != text or len(parsed.turn) != _TURN_BYTES:
            raise invalid_token()
        return parsed

    @property
    def family_hash(self) -> bytes:
        """The stored hash of the part that stays."""
        return hashlib.sha256(self.family).digest()

    @property
    def turn_hash(self) -> bytes:
        """The stored hash of the part that changes."""
        return hashlib.sha256(self.turn).digest()

    def is_of(self, session: Session) -> bool:
        """Return whether the token was issued for a session, now or earlier."""
        return hmac.compare_digest(self.family_hash, session.family_hash)

    def __str__(self) -> str:
        """Return what is sent to the app."""
        return f"{self.session_id}.{base64.urlsafe_b64encode(self.family + self.turn).decode()}"

    def __repr__(self) -> str:
        return f"RefreshToken({self.session_id!r})"


def is_session_id(text: str) -> bool:
    """Return whether a text is a well-formed session id."""
    return _SESSION_ID.fullmatch(text) is not None


def new_salt() -> bytes:
    """Return a salt for one refresh."""
    return secrets.token_bytes(_SALT_BYTES)


def invalid_token() -> UnauthenticatedError:
    """Return the error for a token that is made up, used, expired or revoked. Callers cannot tell which."""
    return UnauthenticatedError("TOKEN_INVALID", "the token is not valid")
