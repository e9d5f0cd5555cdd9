"""A process that is killed in the middle of a migration: `python -m tests.meshkit.lock_and_die FILE MIGRATIONS`."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from meshkit.sqlite import open_database

# yoyo runs Python migrations inside its transaction.
KILLER = f"""
import os
from yoyo import step

steps = [step("CREATE TABLE half (id INTEGER)"), step(lambda connection: os.kill(os.getpid(), {int(signal.SIGKILL)}))]
"""


async def die(path: Path, migrations: Path) -> None:
    """Migrate and hang."""
    killing = path.parent / "killing"
    killing.mkdir()
    (killing / "killer-0001.py").write_text(KILLER)
    async with open_database(path, killing, migrations):
        os._exit(0)


if __name__ == "__main__":
    asyncio.run(die(Path(sys.argv[1]), Path(sys.argv[2])))
