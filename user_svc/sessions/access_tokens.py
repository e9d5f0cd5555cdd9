"""Access tokens: EdDSA JWTs that the edge verifies with the JWKS alone."""

from dataclasses import dataclass, field
from datetime import timedelta

import jwt

from user_svc.sessions.key_ring import KeyRing
from user_svc.sessions.keys import key_id

ISSUER = "lensfeed"
AUDIENCE = "lensfeed"
ALGORITHM = "EdDSA"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token and when it expires, in whole seconds since 1970."""

    text: str = field(repr=False)
    expires_at: int


class TokenSigner:
    """Signs access tokens with the current key and adds its id."""

    def __init__(self, keys: KeyRing, life: timedelta) -> None:
        self._keys = keys
        self._life = int(life.total_seconds())

    def sign(self, user_id: int, session_id: str, now: int) -> AccessToken:
        """Return an access token. `now` is in seconds since 1970."""
        expires_at = now + self._life
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "sid": session_id,
            "iat": now,
            "exp": expires_at,
        }
        key = self._keys.current()
        return AccessToken(jwt.encode(claims, key, ALGORITHM, {"kid": key_id(key.public_key())}), expires_at)
