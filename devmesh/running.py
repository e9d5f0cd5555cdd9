"""A server for as long as a block runs: started, answering, and stopped at the end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from devmesh.errors import MeshError
from devmesh.process import Child, Command, exit_text
from devmesh.readiness import Check, until

START_SECONDS = 60.0
STOP_SECONDS = 10.0


@contextlib.asynccontextmanager
async def running(name: str, command: Command, check: Check, *, grace: float = STOP_SECONDS) -> AsyncIterator[Child]:
    """Run a command and enter the block once the check holds. Raises MeshError where it never does."""
    child = await Child.start(command)
    try:
        await wait_ready(name, child, check)
        yield child
    finally:
        await child.stop(grace)


async def wait_ready(name: str, child: Child, check: Check, seconds: float = START_SECONDS) -> None:
    """Wait until the check holds. Raises MeshError where the child ends before that, or takes too long."""
    ready = asyncio.ensure_future(until(check))
    exited = asyncio.ensure_future(child.exited())
    try:
        await asyncio.wait({ready, exited}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if ready.done():
            return ready.result()
        what = exit_text(exited.result()) if exited.done() else f"did not answer within {seconds:g} s"
    finally:
        ready.cancel()
        exited.cancel()
        await asyncio.gather(ready, exited, return_exceptions=True)
    raise MeshError(f"{name} {what}. The end of its log:\n{child.log_tail()}")
