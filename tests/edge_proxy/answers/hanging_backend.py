"""The test backend as a process, so that it can be paused. Prints its address."""

import asyncio

from tests.edge_proxy.backend import start_backend


async def main() -> None:
    """Serve until killed."""
    backend, server = await start_backend()
    print(backend.address, flush=True)  # noqa: T201 - for the test that waits for it
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main())
