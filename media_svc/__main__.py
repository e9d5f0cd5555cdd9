"""`python -m media_svc serve` and `python -m media_svc work`."""

from media_svc.app import serve, work
from meshkit.main import main

if __name__ == "__main__":
    main("media_svc", {"serve": serve, "work": work})
