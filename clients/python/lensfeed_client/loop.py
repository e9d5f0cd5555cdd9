"""The event loop, in a background thread, that runs the calls of blocking clients."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from anyio.from_thread import BlockingPortal, BlockingPortalProvider

Result = TypeVar("Result")

# One for all clients of a process, because grpc.aio logs errors when several loops use it.
_portals = BlockingPortalProvider("asyncio")


class Loop:
    """A handle on the shared loop, valid from `start` to `stop`."""

    def __init__(self) -> None:
        self._portal: BlockingPortal | None = None

    def start(self) -> None:
        """Start the loop if it is not running."""
        if self._portal is not None:
            raise RuntimeError("this client is already open")
        self._portal = _portals.__enter__()

    def stop(self) -> None:
        """Release the loop."""
        self._portal = None
        _portals.__exit__(None, None, None)

    def run(self, coroutine: Coroutine[Any, Any, Result], /) -> Result:
        """Run a coroutine and return its result. An interruption such as Ctrl-C also cancels the coroutine."""
        if self._portal is None:
            coroutine.close()
            raise RuntimeError("use the client in `with Lensfeed(…) as feed:`")
        future = self._portal.start_task_soon(_await, coroutine)
        try:
            result: Result = future.result()
        except BaseException:
            future.cancel()
            raise
        return result


class BlockingStub:
    """A stub whose methods block until they have an answer."""

    def __init__(self, stub: Any, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self._stub = stub
        self._run = run

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return a method."""
        method = getattr(self._stub, name)
        return lambda *arguments, **more: self._run(method(*arguments, **more))


async def _await(coroutine: Coroutine[Any, Any, Result]) -> Result:
    return await coroutine
