"""Holds a work folder of each purpose until it is killed. Prints a line when it has them."""

import time
from contextlib import ExitStack
from typing import get_args

from media_svc.work_folder import Purpose, work_folder


def main() -> None:
    """Hold them."""
    with ExitStack() as stack:
        for purpose in get_args(Purpose):
            (stack.enter_context(work_folder(purpose)) / "original").write_bytes(bytes(1000))
        print("ready", flush=True)  # noqa: T201 - the test waits for it
        time.sleep(600)


if __name__ == "__main__":
    main()
