"""A process that commits an event and is killed before it can send it: `… commit_and_die FILE USER_ID`."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from tests.meshkit.events.bus import open_outbox


async def commit_and_die(path: Path, user_id: int) -> None:
    """Do it."""
    async with open_outbox(path) as outbox:
        await outbox.commit(user_id)
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run(commit_and_die(Path(sys.argv[1]), int(sys.argv[2])))
