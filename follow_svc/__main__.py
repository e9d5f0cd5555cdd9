"""`python -m follow_svc serve|recount`."""

import meshkit.lean  # noqa: F401 - first: it decides what libraries import, and meshkit what gRPC reads
from follow_svc.app import migrate, recount, serve
from meshkit.main import main

if __name__ == "__main__":
    main("follow_svc", {"serve": serve, "migrate": migrate, "recount": recount})
