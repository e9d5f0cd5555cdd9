"""Numbers as people read them. Pure."""

import textwrap

from bench.report import number

_BYTES = ((1e18, "EB"), (1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
_MILLION = 1e6
_KEPT = ("#", "|", "-", "!", "<", "\n")
WIDTH = 120


def amount(value: float, unit: str) -> str:
    """Return an amount with three digits and its unit."""
    if unit == "bytes":
        size, name = next((each for each in _BYTES if value >= each[0]), (1.0, "bytes"))
        return f"{digits(value / size)} {name}"
    return f"{digits(value)} {unit}"


def digits(value: float) -> str:
    """Return a number of which three digits are known: 10,125 becomes 10,100."""
    return number(float(f"{value:.3g}"))


def plain(value: float) -> str:
    """Return an input as it is, with grouped thousands or in millions."""
    if value >= _MILLION:
        return f"{value / _MILLION:.4g}M"
    return f"{value:,.0f}" if value >= 1_000 else f"{float(f'{value:.4g}'):g}"  # noqa: PLR2004 - thousands are grouped


def wrapped(page: str) -> str:
    """Break the lines of paragraphs. Headings, tables, lists, pictures and comments stay."""
    return "\n\n".join(block if block.startswith(_KEPT) else _filled(block) for block in page.split("\n\n"))


def _filled(block: str) -> str:
    return textwrap.fill(block, WIDTH, break_long_words=False, break_on_hyphens=False)
