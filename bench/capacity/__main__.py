"""`python -m bench.capacity`: print what lensfeed needs at its design scale, as docs/capacity.md shows it."""

from bench.capacity.page.whole import capacity_page


def main() -> None:
    """Print the page."""
    print(capacity_page())


if __name__ == "__main__":
    main()
