"""A process that uploads a file slowly, so that a test can kill it. See test_python_uploads.py."""

import sys
import time

from lensfeed_client import FileSessions, Lensfeed

PAUSE_SECONDS = 0.5


def main(url: str, sessions: str, file: str) -> None:
    """Print the medium's id and upload."""

    def print_id(media_id: str) -> None:
        sys.stdout.write(f"{media_id}\n")
        sys.stdout.flush()

    # This blocks the sending thread, so each chunk of a part takes this long.
    def pause(_sent: int, _total: int) -> None:
        time.sleep(PAUSE_SECONDS)

    with Lensfeed(url, sessions=FileSessions(sessions)) as feed:
        feed.upload(file, content_type="video/mp4", progress=pause, started=print_id)


if __name__ == "__main__":
    main(*sys.argv[1:])
