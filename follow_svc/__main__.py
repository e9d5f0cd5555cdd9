"""`python -m follow_svc serve|recount`."""

import meshkit  # noqa: F401 - first: it sets what gRPC reads when it is imported
from follow_svc.app import recount, serve
from meshkit.main import main

if __name__ == "__main__":
    main("follow_svc", {"serve": serve, "recount": recount})
