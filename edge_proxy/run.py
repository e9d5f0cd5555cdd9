"""Runs Envoy, and lets it go in order: load balancers hear first, calls in hand finish, then it ends."""

import asyncio
import contextlib
import ctypes
import signal
import sys
from pathlib import Path
from typing import Any

from edge_proxy.admin import Admin, admin_of
from edge_proxy.envoy.filters.token_file import watch_keys
from edge_proxy.envoy.program import run_command
from edge_proxy.settings.edge import EdgeSettings

POLL_SECONDS = 0.05
PR_SET_PDEATHSIG = 1


async def run(settings: EdgeSettings, path: Path) -> int:
    """Run Envoy until it ends or SIGTERM (or SIGINT) comes, then drain it. The exit code: 0 after a drain, else Envoy's.

    A second signal ends the drain at once.
    """
    leaving, hurry = _signals()
    # Between fork and exec of a process with one thread, a system call is safe.
    child = await asyncio.create_subprocess_exec(*run_command(settings, path), preexec_fn=_ends_with_us)
    ended = asyncio.ensure_future(child.wait())
    watching = asyncio.create_task(watch_keys(settings))
    answering = asyncio.create_task(_answer(settings))
    await _first(ended, leaving)
    watching.cancel()
    if not ended.done():
        draining = asyncio.ensure_future(drain(settings, admin_of(settings)))
        await _first(ended, hurry, draining)
        draining.cancel()
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
    code = _exit_code(await ended)
    answering.cancel()
    await asyncio.wait({answering})
    return code


async def drain(settings: EdgeSettings, admin: Admin) -> None:
    """Fail /healthz, then refuse new connections, then wait until no call is in hand: each for as long as settings say."""
    with contextlib.suppress(OSError):  # an Envoy that does not answer has nothing to drain
        await admin.fail_health()
        await asyncio.sleep(settings.edge_leave_seconds)
        await admin.drain_listeners()
        async with asyncio.timeout(settings.edge_drain_seconds):  # a TimeoutError is an OSError
            while await admin.calls_in_hand():  # noqa: ASYNC110 - Envoy raises no event here
                await asyncio.sleep(POLL_SECONDS)


async def _answer(settings: EdgeSettings) -> None:
    # Not before Envoy is started: that need not wait for what this imports, and is done while there is one thread.
    from edge_proxy.answers.server import answer

    await answer(settings)


def _signals() -> "tuple[asyncio.Future[None], asyncio.Future[None]]":
    """Return what the first signal to end and the second one set."""
    loop = asyncio.get_running_loop()
    first, second = loop.create_future(), loop.create_future()

    def heard() -> None:
        waiting = second if first.done() else first
        if not waiting.done():
            waiting.set_result(None)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, heard)
    return first, second


async def _first(*these: asyncio.Future[Any]) -> None:
    """Return when the first of these has happened; the others go on."""
    await asyncio.wait(these, return_when=asyncio.FIRST_COMPLETED)


def _exit_code(code: int) -> int:
    """As a shell says it: Envoy exits with 0 on SIGTERM, and other signals are not ours."""
    return code if code >= 0 else 128 - code


def _ends_with_us() -> None:
    """Ask the kernel to end Envoy when this process is killed: nobody could start another on its port."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
