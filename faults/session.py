"""What all runs of one `make faults` share: the seed, the size of the load, the store and the folder."""

import contextlib
import itertools
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from faults.mesh.fault_mesh import FaultMesh, running_fault_mesh
from faults.world.plan import Size
from faults.world.populate import populated
from faults.world.world import World

SETTINGS = {
    "LENSFEED_ACCESS_TOKEN_SECONDS": "43200",  # no run is that long, so that no call fails for its token
    "LENSFEED_DRIFT_SAMPLE_SECONDS": "0",  # it would repair in passing what must not need repair
    "LENSFEED_EDGE_LIMIT_USER": "",  # probes read more often than people do
    "LENSFEED_LOG_FORMAT": "json",
}


@dataclass(frozen=True)
class Session:
    """One run of all chosen promises."""

    folder: Path
    size: Size
    store: str = "sqlite"
    seed: int = 1
    is_quick: bool = False
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def load_seconds(self) -> float:
        """How long the load runs with each fault."""
        return 6.0 if self.is_quick else 25.0

    @contextlib.asynccontextmanager
    async def mesh(
        self, settings: Mapping[str, str] | None = None, copies: Mapping[str, int] | None = None
    ) -> AsyncIterator[FaultMesh]:
        """Run a new mesh on data of its own, which is deleted unless the block fails. `copies`: `{"post-serve": 2}`."""
        data = self.folder / f"mesh-{next(self._numbers)}"
        async with running_fault_mesh(data, self.store, {**SETTINGS, **(settings or {})}, copies or {}) as mesh:
            yield mesh
        shutil.rmtree(data)

    @contextlib.asynccontextmanager
    async def world(self, mesh: FaultMesh, size: Size | None = None) -> AsyncIterator[World]:
        """Fill a mesh with people who follow each other. Each of them has read the feed once."""
        async with populated(mesh, size or self.size, self.seed) as world:
            yield world
