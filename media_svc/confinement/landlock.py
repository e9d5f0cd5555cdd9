"""Landlock: a process gives up files, TCP and signals for itself and its children. Linux 5.13 and later.

Needs no privileges. What the kernel's version does not know yet is left out; `syscall_filter` covers most of that.
"""

import contextlib
import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from enum import IntFlag
from pathlib import Path

# The same on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_RULE_PATH_BENEATH = 1


class Access(IntFlag):
    """What a process may do below a path (LANDLOCK_ACCESS_FS_*)."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_FILE = 1 << 5
    MAKE_REG = 1 << 8
    TRUNCATE = 1 << 14
    IOCTL_DEV = 1 << 15


READ = Access.EXECUTE | Access.READ_FILE | Access.READ_DIR
# No links, pipes or devices: the parent opens what it finds there.
READ_WRITE = (
    Access.WRITE_FILE | Access.READ_FILE | Access.READ_DIR | Access.REMOVE_FILE | Access.MAKE_REG | Access.TRUNCATE
)
_FOR_FILES = Access.EXECUTE | Access.WRITE_FILE | Access.READ_FILE | Access.TRUNCATE | Access.IOCTL_DEV
# By version: all rights of the first, then renaming across folders, truncating, and device ioctls.
_HANDLED_BY_VERSION = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
_HANDLED_SINCE_5 = (1 << 16) - 1
# Bind and connect.
_TCP, _TCP_SINCE = 0b11, 4
# Abstract Unix sockets and signals.
_SCOPES, _SCOPES_SINCE = 0b11, 6


def version() -> int:
    """Return the kernel's version of Landlock, or 0 without it."""
    if sys.platform != "linux":
        return 0
    return max(0, int(_libc().syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _ASK_VERSION)))


def restrict_self(allowed: Iterable[tuple[Path, Access]]) -> None:
    """Keep only the allowed files, no TCP, and no signals to others. Missing paths are skipped.

    Only the calling thread and its future children are restricted. Raises OSError.
    """
    found = version()
    handled = _HANDLED_BY_VERSION.get(found, _HANDLED_SINCE_5)
    tcp = _TCP if found >= _TCP_SINCE else 0
    scopes = _SCOPES if found >= _SCOPES_SINCE else 0
    attributes = struct.pack("QQQ", handled, tcp, scopes)
    # An older kernel accepts the longer structure as long as the rest is zero.
    rules = _call(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    try:
        for path, access in allowed:
            _allow(rules, path, access & handled)
        _call(_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


def _allow(rules: int, path: Path, access: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            fitting = access if path.is_dir() else access & _FOR_FILES
            _call(_ADD_RULE, rules, _RULE_PATH_BENEATH, struct.pack("=Qi", fitting, opened), 0)
        finally:
            os.close(opened)


def _call(number: int, *arguments: object) -> int:
    answer = int(_libc().syscall(number, *arguments))
    if answer < 0:
        raise OSError(ctypes.get_errno(), f"Landlock: {os.strerror(ctypes.get_errno())}")
    return answer


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
