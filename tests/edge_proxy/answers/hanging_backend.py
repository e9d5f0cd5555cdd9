"""The test backend as a process, so that it can be paused and killed. Prints its address."""

import asyncio
import sys

from tests.edge_proxy.backend import start_backend


async def main(address: str) -> None:
    """Serve until killed."""
    backend, server = await start_backend(address=address)
    print(backend.address, flush=True)  # noqa: T201 - for the test that waits for it
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:] or ["127.0.0.1:0"]))
