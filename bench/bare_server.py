"""The baseline of a Python gRPC service: a method on grpc.aio and uvloop that returns constant bytes.

`python -m bench.bare_server HOST:PORT FILE` answers every call with the content of FILE.
"""

import sys
from pathlib import Path
from typing import Any

import grpc
import uvloop
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer


async def main(address: str, answer: bytes) -> None:
    """Serve until the process is killed."""

    async def method(_request: bytes, _context: Any) -> bytes:
        return answer

    class Handler(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in its stubs only
        def service(self, _details: grpc.HandlerCallDetails) -> Any:
            return grpc.unary_unary_rpc_method_handler(method)

    server = grpc.aio.server()
    servicer = HealthServicer()
    await servicer.set("", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    server.add_generic_rpc_handlers((Handler(),))
    server.add_insecure_port(address)
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], Path(sys.argv[2]).read_bytes()))
