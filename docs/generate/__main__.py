"""`python -m docs.generate`: write the pages of the reference that come from code and contracts."""

from docs.generate.pages import PAGES


def main() -> None:
    """Write each page whose text has changed."""
    for file, text in PAGES.items():
        written = text()
        if not file.exists() or file.read_text() != written:
            file.write_text(written)


if __name__ == "__main__":
    main()
