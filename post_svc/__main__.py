"""`python -m post_svc serve|work`."""

from meshkit.main import main
from post_svc.app import serve, work

if __name__ == "__main__":
    main("post_svc", {"serve": serve, "work": work})
