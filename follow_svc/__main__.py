"""`python -m follow_svc serve`."""

from follow_svc.app import serve
from meshkit.main import main

if __name__ == "__main__":
    main("follow_svc", {"serve": serve})
