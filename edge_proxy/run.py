"""Runs Envoy and drains it on SIGTERM: health fails first, calls finish, then it exits."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path
from typing import Any

from edge_proxy.admin import Admin, admin_of
from edge_proxy.connection_pressure import watch_connections
from edge_proxy.envoy.capabilities import watch_capability_keys
from edge_proxy.envoy.filters.token_file import watch_token_keys
from edge_proxy.envoy.media_signing import envoy_environment
from edge_proxy.envoy.program import run_command
from edge_proxy.settings.edge import EdgeSettings

POLL_SECONDS = 0.05
PR_SET_PDEATHSIG = 1


async def run(settings: EdgeSettings, path: Path) -> int:
    """Run Envoy until it exits or a signal arrives, then drain it. Returns 0 after a drain, else Envoy's exit code.

    A second SIGTERM or SIGINT ends the drain at once.
    """
    first_signal, second_signal = _signals()
    # This process has one thread, so a system call between fork and exec is safe.
    child = await asyncio.create_subprocess_exec(
        *run_command(settings, path), env=envoy_environment(settings, os.environ), preexec_fn=_die_with_parent
    )
    ended = asyncio.ensure_future(child.wait())
    # Tasks, not a gather: asyncio logs a traceback for a gather that was cancelled.
    watches = (
        watch_token_keys(settings),
        watch_capability_keys(settings),
        watch_connections(settings, admin_of(settings)),
    )
    watching = [asyncio.create_task(watch) for watch in watches]
    answering = asyncio.create_task(_answer(settings))
    await _first_of(ended, first_signal)
    for watch in watching:
        watch.cancel()
    if not ended.done():
        draining = asyncio.ensure_future(drain(settings, admin_of(settings)))
        await _first_of(ended, second_signal, draining)
        draining.cancel()
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
    code = _exit_code(await ended)
    answering.cancel()
    await asyncio.wait({*watching, answering})
    return code


async def drain(settings: EdgeSettings, admin: Admin) -> None:
    """Fail /healthz, then refuse connections, then wait for calls in flight, each for its configured time."""
    with contextlib.suppress(OSError):  # an Envoy that is gone needs no drain
        await admin.fail_health()
        await asyncio.sleep(settings.edge_leave_seconds)
        await admin.drain_listeners()
        async with asyncio.timeout(settings.edge_drain_seconds):  # a TimeoutError is an OSError
            while await admin.active_calls():  # noqa: ASYNC110 - Envoy raises no event here
                await asyncio.sleep(POLL_SECONDS)


async def _answer(settings: EdgeSettings) -> None:
    # Imported after Envoy has started: the import is slow, and the fork must happen while there is one thread.
    from edge_proxy.answers.server import answer

    await answer(settings)


def _signals() -> "tuple[asyncio.Future[None], asyncio.Future[None]]":
    """Return futures for the first and the second SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    first, second = loop.create_future(), loop.create_future()

    def heard() -> None:
        waiting = second if first.done() else first
        if not waiting.done():
            waiting.set_result(None)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, heard)
    return first, second


async def _first_of(*these: asyncio.Future[Any]) -> None:
    """Wait for the first of these futures. The others keep running."""
    await asyncio.wait(these, return_when=asyncio.FIRST_COMPLETED)


def _exit_code(code: int) -> int:
    """Convert an exit by signal to the shell's 128 + number."""
    return code if code >= 0 else 128 - code


def _die_with_parent() -> None:
    """Ask the kernel to kill Envoy when this process dies, so that its port becomes free."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
