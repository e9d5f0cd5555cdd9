"""A process that takes its time to upload a file, so that it can be killed meanwhile: see test_python_uploads.py."""

import sys
import time

from lensfeed_client import FileSessions, Lensfeed

PAUSE_SECONDS = 0.5


def main(url: str, sessions: str, file: str) -> None:
    """Print the medium's id, and send."""

    def tell(media_id: str) -> None:
        sys.stdout.write(f"{media_id}\n")
        sys.stdout.flush()

    # It is called where the bytes are sent from: a large part takes its chunks times the pause.
    def dawdle(_sent: int, _total: int) -> None:
        time.sleep(PAUSE_SECONDS)

    with Lensfeed(url, sessions=FileSessions(sessions)) as feed:
        feed.upload(file, content_type="video/mp4", progress=dawdle, started=tell)


if __name__ == "__main__":
    main(*sys.argv[1:])
