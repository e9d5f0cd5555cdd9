"""`python -m media_svc serve`, `work` and `set-up-bucket`."""

import meshkit.lean  # noqa: F401 - first: it decides what libraries import, and meshkit what gRPC reads
from media_svc.app import migrate, serve, set_up, work
from meshkit.main import main

if __name__ == "__main__":
    main("media_svc", {"serve": serve, "migrate": migrate, "work": work, "set-up-bucket": set_up})
