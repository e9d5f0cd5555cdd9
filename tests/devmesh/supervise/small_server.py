"""A small server for tests of the supervisor: `small_server.py BEHAVIOUR`, listening on LENSFEED_LISTEN_ADDR.

serve: SERVING until SIGTERM · stubborn: like serve, but ignores SIGTERM and has a child whose pid it logs ·
break: exits with code 3 at once · silent: never answers · note: like serve, but appends its name to $NOTES on exit
"""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer


async def serve(*, deaf: bool) -> None:
    """Serve health until SIGTERM, or forever if `deaf`."""
    server, health, stopping = grpc.aio.server(options=[("grpc.so_reuseport", 0)]), HealthServicer(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, print if deaf else stopping.set)
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    server.add_insecure_port(os.environ["LENSFEED_LISTEN_ADDR"])
    await server.start()
    await health.set("", health_pb2.HealthCheckResponse.SERVING)
    await stopping.wait()
    await server.stop(0)


def main(behaviour: str) -> None:
    """Run one behaviour."""
    say(f"behaviour: {behaviour}")
    if behaviour == "break":
        sys.exit(3)
    if behaviour == "silent":
        signal.pause()
    if behaviour == "stubborn":
        say(f"child {subprocess.Popen(['sleep', '600']).pid}")
    asyncio.run(serve(deaf=behaviour == "stubborn"))
    if behaviour == "note":
        with Path(os.environ["NOTES"]).open("a") as notes:
            notes.write(os.environ["NAME"] + "\n")


def say(line: str) -> None:
    """Print a line and flush."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
