"""A built image: its configuration, its files, and how to run a process in it without a container engine."""

import contextlib
import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.images import mounted, say

# The process has mounts of its own, which end with it: a read-only root, an empty /tmp, and the folders it shares with others.
_ENTER = """
set -eu
root=$1 user=$2; shift 2
mount --bind "$root" "$root"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
while [ "$1" != -- ]; do mkdir -p "$root$1"; mount --bind "$1" "$root$1"; shift; done
shift
mount -o remount,bind,ro "$root"
exec chroot --userspec="$user" "$root" "$@"
"""


@dataclass(frozen=True)
class Image:
    """An image whose files are mounted."""

    root: Path
    config: Mapping[str, Any]

    @property
    def user(self) -> str:
        """Who runs its processes, as `uid:gid`."""
        return str(self.config["User"])

    @property
    def environment(self) -> dict[str, str]:
        """The variables that it sets."""
        return dict(line.split("=", 1) for line in self.config["Env"])

    def command(self, *words: str, shared: tuple[Path, ...] = ()) -> tuple[str, ...]:
        """Return what runs a program in the image, which sees these folders of the machine at the same paths."""
        enter = ("unshare", "--mount", "--propagation", "private", "sh", "-c", _ENTER, "enter", str(self.root))
        return (*enter, self.user, *map(str, shared), "--", "/usr/bin/env", "-C", "/tmp", *words)  # noqa: S108 - of the image

    def run(self, *words: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a program in the image to its end."""
        own = {**self.environment, "PATH": self.path, **(env or {})}
        return subprocess.run(self.command(*words), env=own, check=False, capture_output=True, text=True)

    @property
    def path(self) -> str:
        """The PATH of a process in the image, by which the machine's own programs that enter it are found, too."""
        return f"{self.environment['PATH']}:/usr/sbin:/sbin"


@contextlib.contextmanager
def opened(name: str) -> Iterator[Image]:
    """Mount an image for the block."""
    with mounted(name) as root:
        yield Image(root, json.loads(say("inspect", "--type", "image", name))["Docker"]["config"])
