"""Access tokens: EdDSA JWTs that the edge verifies by the JWKS, without asking anybody."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from meshkit.settings import SettingsError
from user_svc.keys import key_id

ISSUER = "lensfeed"
AUDIENCE = "lensfeed"
ALGORITHM = "EdDSA"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token and when it expires, in whole seconds since 1970."""

    text: str = field(repr=False)
    expires_at: int


class TokenSigner:
    """Signs access tokens with one key, whose id goes into each."""

    def __init__(self, key: Ed25519PrivateKey, life: timedelta) -> None:
        self._key = key
        self._life = int(life.total_seconds())
        self._headers = {"kid": key_id(key.public_key())}

    def sign(self, user_id: int, session_id: str, now: int) -> AccessToken:
        """Return the token of a user in a session; `now` is in seconds since 1970."""
        expires_at = now + self._life
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "sid": session_id,
            "iat": now,
            "exp": expires_at,
        }
        return AccessToken(jwt.encode(claims, self._key, ALGORITHM, self._headers), expires_at)


def load_key(file: Path) -> Ed25519PrivateKey:
    """Read the key that signs. Raises SettingsError, which says how to make one."""
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise _unusable(file) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _unusable(file)
    return key


def _unusable(file: Path) -> SettingsError:
    return SettingsError(
        f"LENSFEED_TOKEN_KEY_FILE: {file} is no Ed25519 key in PEM; `python -m user_svc keys DIR` makes one"
    )
