"""`python -m post_svc serve|work`."""

import meshkit  # noqa: F401 - first: it sets what gRPC reads when it is imported
from meshkit.main import main
from post_svc.app import serve, work

if __name__ == "__main__":
    main("post_svc", {"serve": serve, "work": work})
