"""A process that calls `whoami` from several threads at once for each line it reads. See test_python_tokens.py."""

import sys
from concurrent.futures import ThreadPoolExecutor

from lensfeed_client import FileSessions, Lensfeed

THREADS = 3


def main(url: str, file: str) -> None:
    """Answer each line with the handle that all threads received."""
    sessions = FileSessions(file)
    with (
        Lensfeed(url, sessions=sessions) as one,
        Lensfeed(url, sessions=sessions) as other,
        ThreadPoolExecutor(THREADS) as pool,
    ):
        for _ in sys.stdin:
            handles = pool.map(lambda feed: feed.whoami().handle, (one, other, one))
            sys.stdout.write("/".join(sorted(set(handles))) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
