"""`python -m user_svc serve`, and the commands that make and rotate token keys."""

from datetime import UTC, datetime
from pathlib import Path

import meshkit.lean  # noqa: F401 - first: it decides what libraries import, and meshkit what gRPC reads
from meshkit.main import main
from user_svc.app import migrate, serve
from user_svc.sessions.key_ring import SigningKey
from user_svc.sessions.keys import key_id, make_keys
from user_svc.sessions.rotate_keys import drop_key, rotate_keys


async def keys(folder: Path) -> None:
    """Create token-key.pem and jwks.json in a folder unless they exist."""
    make_keys(folder)


async def rotate(folder: Path) -> None:
    """Add a new signing key. It signs once edges know it; keys outdated for over a day are dropped."""
    _print(rotate_keys(folder))


async def drop(folder: Path, key: str) -> None:
    """Drop a stolen key by its id: its tokens are refused at once. Prints the keys that are left."""
    _print(drop_key(folder, key))


def _print(keys: list[SigningKey]) -> None:
    for key in keys:
        created = datetime.fromtimestamp(key.created_at, UTC).isoformat() if key.created_at else "first"
        print(key_id(key.key.public_key()), created)  # noqa: T201 - the command's output


if __name__ == "__main__":
    main("user_svc", {"serve": serve, "migrate": migrate, "keys": keys, "rotate": rotate, "drop": drop})
