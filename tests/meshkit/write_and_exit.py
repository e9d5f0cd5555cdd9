"""A process that opens a database and writes: `python -m tests.meshkit.write_and_exit FILE MIGRATIONS TIMES`."""

import asyncio
import sys
from pathlib import Path

from meshkit.sqlite import open_database


async def write(path: Path, migrations: Path, times: int) -> None:
    """Add one, so many times."""
    async with open_database(path, migrations) as database:
        for _ in range(times):
            await database.write(lambda connection: connection.execute("UPDATE counter SET value = value + 1"))


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
