"""The test backend as a process, so that it can be paused and killed: `hanging_backend [ADDRESS [DELAY]]`.

Prints its address, and `called` at the first call.
"""

import asyncio
import sys

from tests.edge_proxy.backend import start_backend


async def main(address: str = "127.0.0.1:0", delay: str = "0") -> None:
    """Serve until killed, answering after `delay` seconds."""
    backend, server = await start_backend(address=address)
    backend.delay = float(delay)
    print(backend.address, flush=True)  # noqa: T201 - for the test that waits for it
    while not backend.seen:  # noqa: ASYNC110 - the backend only takes notes
        await asyncio.sleep(0.02)
    print("called", flush=True)  # noqa: T201 - as above
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
