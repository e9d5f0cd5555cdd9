"""The one event loop, in a thread, on which programs that wait have their calls made."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from anyio.from_thread import BlockingPortal, BlockingPortalProvider

Result = TypeVar("Result")

# One for all clients of a process: gRPC serves several loops at a time only noisily.
_portals = BlockingPortalProvider("asyncio")


class Loop:
    """A share in the loop, from `start` to `stop`."""

    def __init__(self) -> None:
        self._portal: BlockingPortal | None = None

    def start(self) -> None:
        """Take the share."""
        if self._portal is not None:
            raise RuntimeError("this client is in use already")
        self._portal = _portals.__enter__()

    def stop(self) -> None:
        """Give it back."""
        self._portal = None
        _portals.__exit__(None, None, None)

    def run(self, coroutine: Coroutine[Any, Any, Result], /) -> Result:
        """Run a coroutine to its end. Whatever interrupts the waiting, as Ctrl-C, ends the coroutine too."""
        if self._portal is None:
            coroutine.close()
            raise RuntimeError("use the client in `with Lensfeed(…) as feed:`")
        future = self._portal.start_task_soon(_itself, coroutine)
        try:
            result: Result = future.result()
        except BaseException:
            future.cancel()
            raise
        return result


class Waiting:
    """A stub whose methods wait for their answers."""

    def __init__(self, stub: Any, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self._stub = stub
        self._run = run

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return a method."""
        method = getattr(self._stub, name)
        return lambda *arguments, **more: self._run(method(*arguments, **more))


async def _itself(coroutine: Coroutine[Any, Any, Result]) -> Result:
    return await coroutine
