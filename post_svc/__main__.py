"""`python -m post_svc serve|work`."""

import meshkit.lean  # noqa: F401 - first: it decides what libraries import, and meshkit what gRPC reads
from meshkit.main import main
from post_svc.app import migrate, serve, work

if __name__ == "__main__":
    main("post_svc", {"serve": serve, "migrate": migrate, "work": work})
