"""The command line of feed_svc."""

import meshkit.lean  # noqa: F401 - first: it decides what libraries import, and meshkit what gRPC reads
from feed_svc.app import serve, work
from meshkit.main import main

if __name__ == "__main__":
    main("feed_svc", {"serve": serve, "work": work})
