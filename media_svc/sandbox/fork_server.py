"""`python -m media_svc.sandbox.fork_server`: render pictures in forks of a process with all libraries loaded.

Starting Python with the libraries takes an eighth of the time of a photo; a fork has them already. Each fork still renders
one picture within its own limits and exits. The server itself never reads untrusted bytes, has no threads, and knows none
of our settings.

Input: a line of JSON for each picture (the fields of `Job`), or `{"kill": number}`. Output: `{"number": …, "code": …}` for
each fork that has ended; the code is 0, LARGE_PICTURE_CODE, or minus the signal. When the input ends, the server and its
forks exit.
"""

import contextlib
import ctypes
import gc
import json
import os
import select
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from media_svc.model import LargePictureError
from media_svc.sandbox.picture_limits import PictureLimits
from media_svc.sandbox.private_folder import LARGE_PICTURE_CODE, LOG_NAME
from media_svc.sandbox.recipes import Recipe
from media_svc.sandbox.render_process import main as render_one

_INPUT, _OUTPUT = 0, 1
_READ_BYTES = 65_536
_PR_SET_PDEATHSIG = 1


class Job(NamedTuple):
    """One picture: its number for the parent, and the arguments of `render_process`."""

    number: int
    folder: str
    content_type: str
    memory_bytes: int
    cpu_seconds: int
    decoder_limit: float
    pixel_limit: float


def main() -> None:
    """Serve until the input ends."""
    numbers: dict[int, int] = {}
    woken, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    # Forks share the objects that exist now; collecting garbage among them would copy their pages.
    gc.freeze()
    unread = b""
    while True:
        ready, _, _ = select.select([woken, _INPUT], [], [])
        if woken in ready:
            os.read(woken, _READ_BYTES)
            _report(numbers)
        if _INPUT in ready:
            data = os.read(_INPUT, _READ_BYTES)
            if not data:
                break
            *lines, unread = (unread + data).split(b"\n")
            for line in lines:
                _execute(json.loads(line), numbers, (woken, waker))
    for pid in numbers:
        os.kill(pid, signal.SIGKILL)


def _execute(order: dict[str, Any], numbers: dict[int, int], own: tuple[int, int]) -> None:
    if "kill" in order:
        for pid in [pid for pid, number in numbers.items() if number == order["kill"]]:
            os.kill(pid, signal.SIGKILL)
        return
    job, parent = Job(**order), os.getpid()
    pid = os.fork()
    if pid == 0:
        _render_and_exit(job, parent, own)
    numbers[pid] = job.number


def _report(numbers: dict[int, int]) -> None:
    """Report every fork that has ended. Its id stays reserved until then, so that no other process is ever killed."""
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            report = {"number": numbers.pop(ended[0]), "code": os.waitstatus_to_exitcode(ended[1])}
            os.write(_OUTPUT, json.dumps(report).encode() + b"\n")


def _render_and_exit(job: Job, parent: int, own: tuple[int, int]) -> NoReturn:
    code = 1
    try:
        folder = Path(job.folder)
        _detach(folder, parent, own)
        limits = PictureLimits(job.decoder_limit, job.pixel_limit)
        render_one(folder, job.content_type, Recipe.FIRST, job.memory_bytes, job.cpu_seconds, limits=limits)
        code = 0
    except LargePictureError:
        code = LARGE_PICTURE_CODE
    except BaseException:  # noqa: BLE001 - the fork must end here, never in its parent's loop
        traceback.print_exc()
    finally:
        os._exit(code)


def _detach(folder: Path, parent: int, own: tuple[int, int]) -> None:
    """Drop the parent's pipes, signal handlers and session, and exit with the parent. Collect garbage again."""
    gc.enable()  # off since the fork (meshkit/__init__.py)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for each in own:
        os.close(each)
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(folder / LOG_NAME, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    os.dup2(nothing, _INPUT)
    for each in (_OUTPUT, sys.stderr.fileno()):
        os.dup2(log, each)
    os.setsid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
    os.chdir(folder)
    os.environ.update(HOME=str(folder), TMPDIR=str(folder))


if __name__ == "__main__":
    main()
