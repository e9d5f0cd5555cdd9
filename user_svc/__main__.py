"""The processes of user_svc: `python -m user_svc serve`, and `keys FOLDER` to make what signs its tokens."""

from pathlib import Path

from meshkit.main import main
from user_svc.app import serve
from user_svc.keys import make_keys


async def keys(folder: Path) -> None:
    """Make token-key.pem and jwks.json in a folder, unless they are there."""
    make_keys(folder)


if __name__ == "__main__":
    main("user_svc", {"serve": serve, "keys": keys})
