"""Refuse system calls that no decoder needs: sockets of any kind, and all that reaches other processes.

It covers what Landlock does not: UDP, MPTCP and Unix sockets, limits and priorities of the worker, modes of files, and
parts of the kernel that are often attacked. A refused call fails with EPERM. No privileges are needed.
"""

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterable, Mapping
from typing import NamedTuple

_PR_GET_SECCOMP, _PR_SET_SECCOMP, _FILTER = 21, 22, 2
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000
# Offsets in the kernel's seccomp_data.
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
# The numbers of x86's 32-bit calls in 64-bit programs start here. No architecture has as many of its own.
_FOREIGN_NUMBERS = 0x40000000


class _Calls(NamedTuple):
    """The system calls of an architecture: those refused, and those allowed only on the process itself."""

    architecture: int
    refused: Mapping[str, int]
    own_only: Mapping[str, int]


_EVERYWHERE = {
    "pidfd_send_signal": 424,
    "io_uring_setup": 425,
    "pidfd_open": 434,
    "pidfd_getfd": 438,
    "process_madvise": 440,
    "process_mrelease": 448,
    "fchmodat2": 452,
    "setxattrat": 463,
    "removexattrat": 466,
}
_X86_64 = _Calls(
    0xC000003E,
    {
        **_EVERYWHERE,
        "socket": 41,
        "socketpair": 53,
        "ptrace": 101,
        "process_vm_readv": 310,
        "process_vm_writev": 311,
        "kcmp": 312,
        "rt_sigqueueinfo": 129,
        "rt_tgsigqueueinfo": 297,
        "tkill": 200,
        "setpriority": 141,
        "ioprio_set": 251,
        "migrate_pages": 256,
        "move_pages": 279,
        "sched_setparam": 142,
        "sched_setscheduler": 144,
        "sched_setaffinity": 203,
        "sched_setattr": 314,
        "truncate": 76,
        "chmod": 90,
        "fchmod": 91,
        "fchmodat": 268,
        "chown": 92,
        "fchown": 93,
        "lchown": 94,
        "fchownat": 260,
        "setxattr": 188,
        "lsetxattr": 189,
        "fsetxattr": 190,
        "removexattr": 197,
        "lremovexattr": 198,
        "fremovexattr": 199,
        "utime": 132,
        "utimes": 235,
        "futimesat": 261,
        "utimensat": 280,
        "inotify_init": 253,
        "inotify_init1": 294,
        "fanotify_init": 300,
        "name_to_handle_at": 303,
        "open_by_handle_at": 304,
        "shmget": 29,
        "shmat": 30,
        "semget": 64,
        "msgget": 68,
        "mq_open": 240,
        "mount": 165,
        "unshare": 272,
        "setns": 308,
        "add_key": 248,
        "request_key": 249,
        "keyctl": 250,
        "perf_event_open": 298,
        "bpf": 321,
        "userfaultfd": 323,
    },
    {"kill": 62, "tgkill": 234, "prlimit64": 302},
)
_AARCH64 = _Calls(
    0xC00000B7,
    {
        **_EVERYWHERE,
        "socket": 198,
        "socketpair": 199,
        "ptrace": 117,
        "process_vm_readv": 270,
        "process_vm_writev": 271,
        "kcmp": 272,
        "rt_sigqueueinfo": 138,
        "rt_tgsigqueueinfo": 240,
        "tkill": 130,
        "setpriority": 140,
        "ioprio_set": 30,
        "migrate_pages": 238,
        "move_pages": 239,
        "sched_setparam": 118,
        "sched_setscheduler": 119,
        "sched_setaffinity": 122,
        "sched_setattr": 274,
        "truncate": 45,
        "fchmod": 52,
        "fchmodat": 53,
        "fchownat": 54,
        "fchown": 55,
        "setxattr": 5,
        "lsetxattr": 6,
        "fsetxattr": 7,
        "removexattr": 14,
        "lremovexattr": 15,
        "fremovexattr": 16,
        "utimensat": 88,
        "inotify_init1": 26,
        "fanotify_init": 262,
        "name_to_handle_at": 264,
        "open_by_handle_at": 265,
        "shmget": 194,
        "shmat": 196,
        "semget": 190,
        "msgget": 186,
        "mq_open": 180,
        "mount": 40,
        "unshare": 97,
        "setns": 268,
        "add_key": 217,
        "request_key": 218,
        "keyctl": 219,
        "perf_event_open": 241,
        "bpf": 280,
        "userfaultfd": 282,
    },
    {"kill": 129, "tgkill": 131, "prlimit64": 261},
)
_BY_MACHINE = {"x86_64": _X86_64, "aarch64": _AARCH64}


class _Program(ctypes.Structure):
    """The kernel's sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def is_available() -> bool:
    """Tell whether this kernel filters system calls, and their numbers are known."""
    if sys.platform != "linux" or platform.machine() not in _BY_MACHINE:
        return False
    return int(ctypes.CDLL(None).prctl(_PR_GET_SECCOMP, 0, 0, 0, 0)) >= 0


def refuse_calls() -> None:
    """Refuse them from now on, in this thread and its children. Needs no_new_privs. Raises OSError."""
    program = _program(_BY_MACHINE[platform.machine()], os.getpid())
    given = _Program(len(program) // 8, program)
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_SECCOMP, _FILTER, ctypes.byref(given), 0, 0):
        raise OSError(ctypes.get_errno(), f"seccomp: {os.strerror(ctypes.get_errno())}")


def _program(calls: _Calls, pid: int) -> bytes:
    """Return the filter in classic BPF. A jump skips so many instructions if its test holds, else so many."""
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, calls.architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_JUMP_AT_LEAST, 0, 1, _FOREIGN_NUMBERS),
        (_RETURN, 0, 0, _REFUSE),
        *(step for number in calls.refused.values() for step in _refused(number)),
        *(step for number in calls.own_only.values() for step in _own_only(number, pid)),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("HBBI", *step) for step in steps)


def _refused(number: int) -> Iterable[tuple[int, int, int, int]]:
    return (_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE)


def _own_only(number: int, pid: int) -> Iterable[tuple[int, int, int, int]]:
    """Allow a call only if its first argument is this process."""
    return (
        (_JUMP_EQUAL, 0, 4, number),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_JUMP_EQUAL, 1, 0, pid),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    )
