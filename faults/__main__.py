"""`python -m faults`: break a mesh, print a line for each promise, and fail if one is broken."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import uvloop

import meshkit  # noqa: F401 - first: it sets what gRPC reads when it is imported
from faults.promises import PROMISES
from faults.run import run_all
from faults.session import Session
from faults.world.plan import QUICK, WHOLE


def main() -> None:
    """Parse the command line and run the chosen promises."""
    names = "\n".join(f"  {each.number:2}  {each.text}" for each in PROMISES)
    parser = argparse.ArgumentParser(
        prog="python -m faults",
        description=__doc__,
        epilog=f"NUMBERs:\n{names}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("numbers", nargs="*", type=int, metavar="NUMBER", help="promises to run (default: all)")
    parser.add_argument("--quick", action="store_true", help="fewer people and shorter runs: a few minutes in all")
    parser.add_argument("--store", choices=("sqlite", "cassandra"), default="sqlite", help="(default: sqlite)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other people and changes (default: 1)")
    parser.add_argument("--page", action="store_true", help="write the tables to docs/reliability.md, too")
    arguments = parser.parse_args()
    chosen = [each for each in PROMISES if not arguments.numbers or each.number in arguments.numbers]
    if unknown := set(arguments.numbers) - {each.number for each in chosen}:
        parser.error(f"there is no promise {min(unknown)}")
    os.umask(0o077)  # what a mesh writes is for its own user
    folder = Path(tempfile.mkdtemp(prefix="lensfeed-faults-"))
    size = QUICK if arguments.quick else WHOLE
    session = Session(folder, size, arguments.store, arguments.seed, arguments.quick)
    if not uvloop.run(run_all(session, chosen, write_page=arguments.page)):
        sys.exit(f"a promise is broken, or a control is not; the data of failed runs is in {folder}")
    folder.rmdir()


if __name__ == "__main__":
    main()
