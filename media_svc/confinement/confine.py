"""Confine this process before it reads untrusted bytes: to one folder, without network, without other processes.

A decoder that a file has taken over can then only write wrong results into its own folder. Kept light: each picture's
process does this.
"""

import ctypes
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from media_svc.confinement import landlock, syscall_filter
from media_svc.confinement.landlock import READ, READ_WRITE, Access

_PR_SET_NO_NEW_PRIVS = 38
_PACKAGES = Path(__file__).resolve().parents[2]
# What programs load at their start.
_SYSTEM = tuple(
    map(Path, ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache", "/etc/ld.so.preload"))
)
# Also what a running Python still imports and loads.
PYTHON = (Path(sys.prefix), Path(sys.base_prefix), _PACKAGES / "media_svc", _PACKAGES / "meshkit")
# What a Python that starts needs to find our packages.
STARTING_PYTHON = (*PYTHON, _PACKAGES)


def confine(folder: Path, readable: Iterable[Path] = PYTHON) -> None:
    """Keep only `folder`, and what is readable besides, as far as this system can. There is no way back.

    Threads that run already are not confined, so call it before there are any. Raises OSError.
    """
    if sys.platform != "linux":
        return
    if ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError("no_new_privs cannot be set")
    if landlock.version():
        allowed = [(path, READ) for path in (*_SYSTEM, *readable)]
        device = (Path("/dev/null"), Access.READ_FILE | Access.WRITE_FILE)
        landlock.restrict_self([*allowed, device, (folder, READ_WRITE)])
    if syscall_filter.is_available():
        syscall_filter.refuse_calls()


def missing_protections() -> Sequence[str]:
    """Return what this system cannot do to confine decoders, for the log."""
    missing = {"landlock": not landlock.version(), "seccomp": not syscall_filter.is_available()}
    return [name for name, is_missing in missing.items() if is_missing]
