"""`python -m media_svc.sandbox.forking_process`: render pictures in forks of a process that has loaded everything already.

To start Python with the libraries takes an eighth of what a photo takes; a fork has them. Each still renders one picture and
ends, within limits of its own. This process itself reads no stranger's byte and has no thread; it knows none of our settings.

Its input has a line of JSON a picture (the fields of `Job`), or `{"kill": number}`; its output `{"number": …, "code": …}` for
each that has ended: 0, NEEDS_ROOM_CODE, or minus the signal. When its input ends, its forks and it end too.
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

from media_svc.sandbox.private_folder import LOG_NAME, NEEDS_ROOM_CODE
from media_svc.sandbox.read_picture import NeedsRoomError
from media_svc.sandbox.recipes import Recipe
from media_svc.sandbox.render_process import main as render_one

_INPUT, _OUTPUT = 0, 1
_READ_BYTES = 65_536
_PR_SET_PDEATHSIG = 1


class Job(NamedTuple):
    """One picture: which it is for our parent, and what `render_process` is told of it."""

    number: int
    folder: str
    content_type: str
    memory_bytes: int
    cpu_seconds: int
    room_bytes: int


def main() -> None:
    """Work until the input ends."""
    numbers: dict[int, int] = {}
    woken, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    # What is there now is in every fork; to look at it for garbage would copy it.
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
                _obey(json.loads(line), numbers, (woken, waker))
    for pid in numbers:
        os.kill(pid, signal.SIGKILL)


def _obey(order: dict[str, Any], numbers: dict[int, int], own: tuple[int, int]) -> None:
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
    """Tell of every fork that has ended. One that is not waited for keeps its id, so that no other process is ever killed."""
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            report = {"number": numbers.pop(ended[0]), "code": os.waitstatus_to_exitcode(ended[1])}
            os.write(_OUTPUT, json.dumps(report).encode() + b"\n")


def _render_and_exit(job: Job, parent: int, own: tuple[int, int]) -> NoReturn:
    code = 1
    try:
        folder = Path(job.folder)
        _become(folder, parent, own)
        render_one(folder, job.content_type, Recipe.FIRST, job.memory_bytes, job.cpu_seconds, room_bytes=job.room_bytes)
        code = 0
    except NeedsRoomError:
        code = NEEDS_ROOM_CODE
    except BaseException:  # noqa: BLE001 - the fork must end here, as its parent's loop is not its own
        traceback.print_exc()
    finally:
        os._exit(code)


def _become(folder: Path, parent: int, own: tuple[int, int]) -> None:
    """Leave what is our parent's: its pipes, signals and session; and be gone when it is."""
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
