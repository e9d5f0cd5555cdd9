"""Runs a server while a block runs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable

from devmesh.errors import NotReady
from devmesh.supervise.process import Child, Command, exit_text
from devmesh.supervise.readiness import Check, until

START_SECONDS = 60.0
"""How long a server may take to start, even on a busy machine."""

STOP_SECONDS = 10.0


@contextlib.asynccontextmanager
async def running(name: str, command: Command, check: Check, *, grace: float = STOP_SECONDS) -> AsyncIterator[Child]:
    """Run a command and enter the block once the check succeeds. Raises NotReady if it does not."""
    child = await Child.start(command)
    try:
        try:
            await wait_ready(name, child, check)
        except NotReady as error:
            error.add_note(child.log_tail())
            raise
        yield child
    finally:
        await child.stop(grace)


async def wait_ready(name: str, child: Child, check: Check, seconds: float = START_SECONDS) -> None:
    """Wait until the check succeeds. Raises NotReady if the child exits first or takes too long."""
    if not await before_exit(name, child, until(check), seconds):
        raise NotReady(f"{name} did not answer within {seconds:g} s", timed_out=True)


async def before_exit(name: str, child: Child, work: Awaitable[None], seconds: float | None = None) -> bool:
    """Wait for work that needs a child, and return whether it was done in time. Raises NotReady if the child exits first.

    Work that is not done is cancelled.
    """
    done = asyncio.ensure_future(work)
    exited = asyncio.ensure_future(child.exited())
    try:
        await asyncio.wait({done, exited}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if exited.done():  # checked first: another process may answer on its port
            raise NotReady(f"{name} {exit_text(exited.result())}", timed_out=False)
        if done.done():
            done.result()
            return True
        return False
    finally:
        done.cancel()
        exited.cancel()
        await asyncio.gather(done, exited, return_exceptions=True)
