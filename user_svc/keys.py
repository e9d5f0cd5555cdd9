"""The key pair of the access tokens: the private half for user_svc, the public half for the edge."""

import base64
import hashlib
import json
import os
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from meshkit.settings import SettingsError

KEY_FILE = "token-key.pem"
JWKS_FILE = "jwks.json"
_PRIVATE = 0o600
_PUBLIC = 0o644


def make_keys(folder: Path) -> None:
    """Make `token-key.pem` and `jwks.json` in a folder, each only if it is absent.

    Where the key is there and the JWKS is not, the JWKS is made of that key. Several processes may do this at once.
    Raises SettingsError where the key is there and no Ed25519 key.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write_once(folder / KEY_FILE, _new_pem(), _PRIVATE)
    key = load_key(folder / KEY_FILE)
    jwks = json.dumps({"keys": [public_jwk(key.public_key())]}, indent=2) + "\n"
    _write_once(folder / JWKS_FILE, jwks.encode(), _PUBLIC)


def load_key(file: Path) -> Ed25519PrivateKey:
    """Read the key that signs. Raises SettingsError, which says how to make one."""
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise _unusable(file) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _unusable(file)
    return key


def key_id(key: Ed25519PublicKey) -> str:
    """Return a key's thumbprint by RFC 7638, which names it in a token's header and in the JWKS."""
    canonical = json.dumps(_required_members(key), sort_keys=True, separators=(",", ":"))
    return _base64url(hashlib.sha256(canonical.encode()).digest())


def public_jwk(key: Ed25519PublicKey) -> dict[str, str]:
    """Return a public key as the JWKS holds it."""
    return {**_required_members(key), "kid": key_id(key), "alg": "EdDSA", "use": "sig"}


def _unusable(file: Path) -> SettingsError:
    return SettingsError(
        f"{file} is no Ed25519 key in PEM (LENSFEED_TOKEN_KEY_FILE); `python -m user_svc keys DIR` makes one where none is"
    )


def _required_members(key: Ed25519PublicKey) -> dict[str, str]:
    return {"kty": "OKP", "crv": "Ed25519", "x": _base64url(key.public_bytes(Encoding.Raw, PublicFormat.Raw))}


def _new_pem() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write_once(path: Path, content: bytes, mode: int) -> None:
    """Write a whole file or nothing, unless there is one: a link to a finished file fails where the name is taken."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.") as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())
        try:
            os.link(file.name, path)
        except FileExistsError:
            return


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
