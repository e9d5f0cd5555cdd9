"""`python -m edge_proxy.answers.openapi json|markdown`: print the document, or docs/api.md."""

import argparse
import json
import sys
from pathlib import Path

from edge_proxy.answers.openapi.document import document
from edge_proxy.answers.openapi.markdown import markdown
from edge_proxy.contracts import ContractsError, read_descriptors

PACKAGED = Path(__file__).parents[2] / "lensfeed.binpb"


def main() -> None:
    """Print the chosen form. Exits with 2 and a message if the descriptors cannot be read."""
    parser = argparse.ArgumentParser(
        prog="python -m edge_proxy.answers.openapi", description="Print the public contract."
    )
    parser.add_argument("form", choices=("json", "markdown"))
    form = parser.parse_args().form
    try:
        made = document(read_descriptors(PACKAGED))
    except ContractsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    sys.stdout.write(json.dumps(made, indent=1, ensure_ascii=False) + "\n" if form == "json" else markdown(made))


if __name__ == "__main__":
    main()
