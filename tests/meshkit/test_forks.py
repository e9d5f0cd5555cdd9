"""Programs are started from processes with threads, by a fork that runs some Python before it becomes the program."""

import os
import signal
import subprocess
import sys

# The hook that leaves garbage is the last one registered, so it runs first: right before the fork.
_START = """
import asyncio, gc, os, sys
import meshkit
import grpc, uvloop

class Last:
    def __init__(self):
        self.channel, self.cycle = grpc.aio.insecure_channel("127.0.0.1:1"), self

def leave_garbage():
    Last()
    gc.set_threshold(1)

async def main():
    gc.collect()
    os.register_at_fork(before=leave_garbage)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "print('started')")
    assert await process.wait() == 0
    assert gc.isenabled()

uvloop.run(main())
"""
# Far more than a start takes; one that hangs never ends.
PATIENCE_SECONDS = 20


def test_garbage_is_not_collected_between_fork_and_exec() -> None:
    """A program starts although the last gRPC channel became garbage just before the fork."""
    command = [sys.executable, "-c", _START]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            output, _ = process.communicate(timeout=PATIENCE_SECONDS)
        finally:
            if process.poll() is None:  # the fork hangs, too
                os.killpg(process.pid, signal.SIGKILL)
    assert (output, process.returncode) == ("started\n", 0)
