"""A process that asks who it is, by tasks and threads at once, whenever it is told to: see test_python_tokens.py."""

import sys
from concurrent.futures import ThreadPoolExecutor

from lensfeed_client import FileSessions, Lensfeed

THREADS = 3


def main(url: str, file: str) -> None:
    """Answer each line with the handle that all threads have seen."""
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
