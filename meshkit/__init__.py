"""The runtime that every service shares. It imports no service."""

import gc
import os

# gRPC reads these when a process first uses it; each `python -m X_svc` imports this module first.
_GRPC = {
    # We start programs but never continue in Python after a fork. gRPC's fork handlers run between fork and exec in a process
    # with threads and can crash the programs we start, so turn them off.
    "GRPC_ENABLE_FORK_SUPPORT": "0",
    # gRPC's newer way to poll sockets serves a sixth fewer calls of grpc.aio (docs/adr/0031).
    "GRPC_EXPERIMENTS": "-event_engine_listener,-event_engine_client",
}
for _name, _value in _GRPC.items():
    os.environ.setdefault(_name, _value)

# uvloop runs Python between fork and exec, in a copy of the process that has only one of its threads. Garbage that is collected
# there may wait for another one: the last gRPC channel joins its poller, forever, and the loop waits for the exec.
os.register_at_fork(before=gc.disable, after_in_parent=gc.enable)
