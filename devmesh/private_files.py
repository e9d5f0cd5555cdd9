"""Files that only their owner reads."""

from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Write a file that no other user of the machine can read, whatever the umask and the file's mode before."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text)
