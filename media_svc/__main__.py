"""`python -m media_svc serve`, `work` and `set-up-bucket`."""

import os

# Read when grpc is imported. Render processes begin with exec: gRPC need not prepare for forks, nor warn that it could not.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

from media_svc.app import serve, set_up, work
from meshkit.main import main

if __name__ == "__main__":
    main("media_svc", {"serve": serve, "work": work, "set-up-bucket": set_up})
