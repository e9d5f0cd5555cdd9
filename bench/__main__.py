"""`python -m bench`: run benchmarks and update bench/results/latest.json and docs/benchmarks.md."""

import argparse
import sys

import uvloop

import meshkit  # noqa: F401 - first: it sets what gRPC reads when it is imported
from bench.harness import Run, run_suite, write_page
from bench.suite import SUITE

_EPILOG = "NAMEs:\n" + "\n".join(f"  {each.name:18} {each.title}" for each in SUITE)


def main() -> None:
    """Parse the command line and run the chosen benchmarks."""
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmarks to run (default: all)")
    parser.add_argument("--pairs", type=int, default=5, help="samples of each member, taken in turn (default: 5)")
    parser.add_argument(
        "--quick", action="store_true", help="use less data and shorter samples, to check that it works"
    )
    parser.add_argument("--page", action="store_true", help="run nothing; write docs/benchmarks.md from the results")
    arguments = parser.parse_args()
    by_name = {each.name: each for each in SUITE}
    unknown = [name for name in arguments.names if name not in by_name]
    if unknown or arguments.pairs < 1:
        parser.error(f"unknown benchmark {unknown[0]!r}" if unknown else "--pairs must be at least 1")
    if arguments.page:
        write_page(SUITE)
        return
    chosen = [by_name[name] for name in arguments.names] or list(SUITE)
    failed = uvloop.run(run_suite(chosen, SUITE, Run(arguments.pairs, arguments.quick)))
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
