"""Keeps the parts of a mesh running: starts, restarts and stops them in order."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence

from devmesh.errors import MeshError, NotReady
from devmesh.supervise.backoff import Backoff
from devmesh.supervise.part import Part
from devmesh.supervise.process import Child, exit_text
from devmesh.supervise.reporter import Reporter, State
from devmesh.supervise.running import before_exit, wait_ready

START_TRIES = 3
"""How often a part may fail before it was ever ready, until the mesh gives up."""


class SupervisedPart:
    """A part that is kept running from `start` to `stop`."""

    def __init__(self, part: Part, reporter: Reporter) -> None:
        self.part = part
        self._reporter = reporter
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._child: Child | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._failed_starts = 0

    def start(self) -> None:
        """Start the part and keep it running."""
        self._keeping = asyncio.create_task(self._keep(), name=f"keep {self.part.name}")

    async def ready(self) -> None:
        """Wait until the part was ready once. Raises MeshError if it cannot start."""
        await asyncio.shield(self._ready)

    @property
    def pid(self) -> int | None:
        """The id of its process, which is also its group's; None if it does not run."""
        return self._child.pid if self._child is not None and self._child.exit_code is None else None

    @property
    def is_pending(self) -> bool:
        """Whether it was started but has never been ready."""
        return self._keeping is not None and not (self._ready.done() and self._ready.exception() is None)

    async def stop(self) -> None:
        """Stop the part. Repeatable."""
        if self._keeping is None:
            return
        self._keeping.cancel()
        await asyncio.wait({self._keeping})
        if self._child is not None:
            self._reporter.status(self.part, State.STOPPING)
            await self._child.stop(self.part.grace)
        self.part.clean_up()
        self._reporter.status(self.part, State.STOPPED)

    def kill(self) -> None:
        """Kill the part without a restart."""
        if self._keeping is not None:
            self._keeping.cancel()
        if self._child is not None:
            self._child.kill()

    async def _keep(self) -> None:
        backoff = Backoff()
        while True:
            since = time.monotonic()
            why = await self._run_once()
            if self._has_given_up():
                return
            pause = backoff.after(time.monotonic() - since)
            self._reporter.died(self.part, why, self._tail(), pause)
            await asyncio.sleep(pause)

    async def _run_once(self) -> str:
        """Run the part until it exits. Returns why it exited."""
        self._reporter.status(self.part, State.STARTING)
        self._child = await Child.start(self.part.command)
        try:
            await wait_ready(self.part.name, self._child, self.part.check, self.part.patience)
            await before_exit(self.part.name, self._child, self.part.set_up())
        except Exception as error:  # noqa: BLE001 - a failed set-up of any kind is retried like a failed start
            await self._child.stop(self.part.grace)
            self._count_failed_start(error)
            return str(error)
        self._was_ready()
        code = await self._child.exited()
        self._child.kill()  # also kills its descendants
        return f"{self.part.name} {exit_text(code)}"

    def _was_ready(self) -> None:
        self._reporter.status(self.part, State.READY)
        if not self._ready.done():
            self._ready.set_result(None)

    def _count_failed_start(self, error: Exception) -> None:
        self._failed_starts += 1
        timed_out = isinstance(error, NotReady) and error.timed_out
        if not self._ready.done() and (timed_out or self._failed_starts >= START_TRIES):
            self._ready.set_exception(MeshError(f"{error}\n{self._tail()}".rstrip()))

    def _has_given_up(self) -> bool:
        return self._ready.done() and self._ready.exception() is not None

    def _tail(self) -> str:
        return self._child.log_tail() if self._child else ""


class Supervisor:
    """All parts of one mesh."""

    def __init__(self, groups: Iterable[Sequence[Part]], reporter: Reporter) -> None:
        self._groups = [[SupervisedPart(part, reporter) for part in group] for group in groups]
        self._by_name = {one.part.name: one for group in self._groups for one in group}

    def by_name(self) -> Mapping[str, SupervisedPart]:
        """Return all parts by their names."""
        return self._by_name

    def start(self, parts: Iterable[Part]) -> None:
        """Start some parts, all at once."""
        for part in parts:
            self._by_name[part.name].start()

    async def ready(self, parts: Iterable[Part]) -> None:
        """Wait until all of these are ready. Raises MeshError as soon as one cannot start."""
        try:
            await asyncio.gather(*(self._by_name[part.name].ready() for part in parts))
        except MeshError as error:
            raise MeshError(f"{error}\nnot ready: {', '.join(self.pending())}") from error

    def pending(self) -> list[str]:
        """List the parts that were started but have never been ready."""
        return [name for name, one in self._by_name.items() if one.is_pending]

    async def stop(self) -> None:
        """Stop the groups one after another, the last one first."""
        for group in reversed(self._groups):
            await asyncio.gather(*(one.stop() for one in group))

    def kill(self) -> None:
        """Kill all parts. A waiting `stop` then returns soon."""
        for one in self._by_name.values():
            one.kill()
