"""The runtime that every service shares. It imports no service."""

import os

# We start programs but never continue in Python after a fork. gRPC's fork handlers run between fork and exec in a process with
# threads and can crash the programs we start, so turn them off. gRPC reads this when it is imported.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
