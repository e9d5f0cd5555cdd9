"""The command line of feed_svc."""

import meshkit  # noqa: F401 - first: it sets what gRPC reads when it is imported
from feed_svc.app import serve, work
from meshkit.main import main

if __name__ == "__main__":
    main("feed_svc", {"serve": serve, "work": work})
