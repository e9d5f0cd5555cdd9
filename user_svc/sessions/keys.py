"""Key pairs for access tokens: private keys for user_svc, public keys for the edge."""

import base64
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from user_svc.sessions.key_ring import SigningKey, read_keys

KEY_FILE = "token-key.pem"
JWKS_FILE = "jwks.json"
PRIVATE = 0o600
PUBLIC = 0o644


def make_keys(folder: Path) -> None:
    """Create `token-key.pem` and `jwks.json` in a folder, each only if it is absent.

    A missing JWKS is made from the existing key. Several processes may call this at once. Raises SettingsError if the key file
    exists but holds no Ed25519 key.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write_once(folder / KEY_FILE, SigningKey(Ed25519PrivateKey.generate()).pem(), PRIVATE)
    _write_once(folder / JWKS_FILE, jwks_of(read_keys(folder / KEY_FILE)), PUBLIC)


def jwks_of(keys: Iterable[SigningKey]) -> bytes:
    """Return the JWKS of some keys' public halves."""
    return (json.dumps({"keys": [public_jwk(each.key.public_key()) for each in keys]}, indent=2) + "\n").encode()


def key_id(key: Ed25519PublicKey) -> str:
    """Return a key's RFC 7638 thumbprint, which identifies it in token headers and in the JWKS."""
    canonical = json.dumps(_required_members(key), sort_keys=True, separators=(",", ":"))
    return _base64url(hashlib.sha256(canonical.encode()).digest())


def public_jwk(key: Ed25519PublicKey) -> dict[str, str]:
    """Return a public key as a JWK."""
    return {**_required_members(key), "kid": key_id(key), "alg": "EdDSA", "use": "sig"}


def replace_file(path: Path, content: bytes, mode: int) -> None:
    """Replace a file atomically."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        _fill(file, content, mode)
    Path(file.name).rename(path)


def _required_members(key: Ed25519PublicKey) -> dict[str, str]:
    return {"kty": "OKP", "crv": "Ed25519", "x": _base64url(key.public_bytes(Encoding.Raw, PublicFormat.Raw))}


def _write_once(path: Path, content: bytes, mode: int) -> None:
    """Write a whole file unless it exists. Linking a finished file fails if the name is taken."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.") as file:
        _fill(file, content, mode)
        try:
            os.link(file.name, path)
        except FileExistsError:
            return


def _fill(file: "tempfile._TemporaryFileWrapper[bytes]", content: bytes, mode: int) -> None:
    file.write(content)
    file.flush()
    os.fchmod(file.fileno(), mode)
    os.fsync(file.fileno())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
