"""`python -m follow_svc serve|recount`."""

from follow_svc.app import recount, serve
from meshkit.main import main

if __name__ == "__main__":
    main("follow_svc", {"serve": serve, "recount": recount})
