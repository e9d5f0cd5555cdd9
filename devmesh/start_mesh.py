"""The order in which the parts of a mesh start."""

import asyncio
from collections.abc import Mapping

from devmesh.layout import Layout
from devmesh.parts.mesh import MeshParts, keys_command
from devmesh.secrets.token_keys import make_keys
from devmesh.supervise.supervisor import Supervisor


async def start_mesh(layout: Layout, parts: MeshParts, supervisor: Supervisor, env: Mapping[str, str]) -> None:
    """Start the servers, then the rest once Valkey and the keys are ready. Returns when all are ready.

    Raises MeshError if a part cannot start.
    """
    supervisor.start((parts.valkey, parts.seaweed, *parts.cassandra))
    await asyncio.gather(make_keys(layout.keys, keys_command(layout, env)), supervisor.ready((parts.valkey,)))
    rest = (*parts.services, *parts.workers, *parts.edges)
    supervisor.start(rest)
    await supervisor.ready((parts.seaweed, *parts.cassandra, *rest))
