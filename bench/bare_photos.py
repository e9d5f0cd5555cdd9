"""The baseline of photo rendering: a worker's libvips calls in one process, without any limits.

`python -m bench.bare_photos FILE CONTENT_TYPE` renders the file and prints `done` for each line of input.
"""

import sys
from pathlib import Path

from media_svc.sandbox.encode import ENCODINGS, decode_largest, shrink, sizes, thumbhash
from media_svc.sandbox.read_picture import open_picture, shown_size


def render(path: Path, content_type: str) -> int:
    """Render a photo in memory. Returns the size of its renditions in bytes."""
    image = open_picture(path, content_type)
    size, largest = shown_size(image), decode_largest(image)
    smaller = [shrink(largest, *each) for each in sizes(*size)]
    written = [len(encoding.write(each)) for each in smaller for encoding in ENCODINGS]
    return sum(written) + len(thumbhash(largest))


def main(path: Path, content_type: str) -> None:
    """Render until the input ends."""
    for _ in sys.stdin:
        render(path, content_type)
        print("done", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
