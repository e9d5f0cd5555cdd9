"""The processes of user_svc: `python -m user_svc serve`, and what makes and rotates the keys of its tokens."""

from datetime import UTC, datetime
from pathlib import Path

from meshkit.main import main
from user_svc.app import serve
from user_svc.sessions.keys import key_id, make_keys
from user_svc.sessions.rotate_keys import rotate_keys


async def keys(folder: Path) -> None:
    """Make token-key.pem and jwks.json in a folder, unless they are there."""
    make_keys(folder)


async def rotate(folder: Path) -> None:
    """Add a new key to a folder, which signs when edges know it; keys outdated for more than a day go."""
    for key in rotate_keys(folder):
        created = datetime.fromtimestamp(key.created_at, UTC).isoformat() if key.created_at else "first"
        print(key_id(key.key.public_key()), created)  # noqa: T201 - what the command is asked for


if __name__ == "__main__":
    main("user_svc", {"serve": serve, "keys": keys, "rotate": rotate})
