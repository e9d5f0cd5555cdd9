"""The runtime that every service shares. It knows no service."""

import os

# We start other programs, and never fork to go on in Python. Without its handlers for that, which run between fork and exec in
# a process with threads, gRPC cannot crash what we start. It reads this when it is imported.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
