"""`python -m docs.generate [--check]`: write the pages of the reference that come from code and contracts, or check them."""

import argparse
import sys

from docs.generate.pages import DOCS, PAGES


def main() -> None:
    """Write each page whose text has changed; with --check write none, name them and exit with 1."""
    parser = argparse.ArgumentParser(
        prog="python -m docs.generate", description="The generated pages of the reference."
    )
    parser.add_argument("--check", action="store_true", help="Write nothing, and fail if a page is out of date.")
    is_check = parser.parse_args().check
    texts = {file: text() for file, text in PAGES.items()}
    changed = {file: text for file, text in texts.items() if not file.exists() or file.read_text() != text}
    if is_check and changed:
        names = ", ".join(str(file.relative_to(DOCS.parent)) for file in changed)
        sys.exit(f"out of date: {names}; run `make reference`, and commit the result")
    for file, text in changed.items():
        file.write_text(text)


if __name__ == "__main__":
    main()
