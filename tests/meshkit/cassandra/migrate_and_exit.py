"""A process that opens a keyspace: `python -m tests.meshkit.cassandra.migrate_and_exit CONTACT_POINTS PREFIX MIGRATIONS`."""

import asyncio
import sys
from pathlib import Path

from tests.meshkit.redis.clusters import opened, settings_of


async def migrate(contact_points: str, prefix: str, migrations: Path) -> None:
    """Return once the keyspace is up to date."""
    async with opened(settings_of(contact_points, cassandra_keyspace_prefix=prefix), migrations):
        pass


if __name__ == "__main__":
    asyncio.run(migrate(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
