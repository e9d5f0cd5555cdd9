"""Writes files that only their owner can read."""

from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Write a file with mode 0600, whatever the umask and its earlier mode."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text)
