"""The page's words and plots. tests/test_docs.py compares the page itself with docs/capacity.md."""

from xml.etree import ElementTree as ET

import pytest

from bench.capacity.page.plot import Axis, Line, Plot
from bench.capacity.page.words import amount, digits, plain, wrapped

SVG = "{http://www.w3.org/2000/svg}"


def test_amounts_have_three_digits_and_a_unit() -> None:
    """Bytes get the unit that suits them."""
    assert [amount(7.947e12, "bytes"), amount(0, "bytes"), amount(10_125, "cores")] == [
        "7.95 TB",
        "0 bytes",
        "10,100 cores",
    ]
    assert [digits(0.0823), digits(1_234_567)] == ["0.0823", "1,230,000"]
    assert [plain(500e6), plain(9_371), plain(0.6179)] == ["500M", "9,371", "0.6179"]


def test_only_paragraphs_are_wrapped() -> None:
    """Tables, lists and headings keep their lines."""
    table = "| " + "cell " * 40 + "|"
    page = wrapped(f"# Title\n\n{'word ' * 40}\n\n{table}")
    assert page.startswith("# Title\n\nword")
    assert page.endswith(table)
    assert max(len(line) for line in page.split("\n\n")[1].splitlines()) <= 120


def test_a_plot_is_svg_with_its_lines_marks_and_names() -> None:
    """Every line is drawn within the frame, and names are escaped."""
    lines = [Line("a < b", [(1, 0), (10, 5), (1_000, 20)]), Line("c", [(1, 3)])]
    drawn = Plot("Title", Axis("x", 1, 1_000, is_log=True), Axis("y", 0, 10), lines, [(10, "here")], [(5, "level")])
    root = ET.fromstring(drawn.svg())  # noqa: S314 - our own SVG
    points = [each.attrib["points"] for each in root.iter(f"{SVG}polyline")]
    assert len(points) == 2
    assert points[0] == "70.0,292.0 280.0,177.0 700.0,62.0"
    assert {"a < b", "here", "level", "x", "y", "Title"} <= {each.text for each in root.iter()}


@pytest.mark.parametrize(
    ("low", "high", "ticks"), [(0, 235, [0, 50, 100, 150, 200]), (-80, 80, [-50, 0, 50]), (0, 24, [0, 5, 10, 15, 20])]
)
def test_ticks_are_round(low: float, high: float, ticks: list[float]) -> None:
    """A linear axis has a few round numbers."""
    assert Axis("", low, high).ticks() == ticks


def test_a_logarithmic_axis_has_powers_of_ten() -> None:
    """Ticks of a logarithmic axis are powers of ten."""
    assert Axis("", 1_000, 2e6, is_log=True).ticks() == [1e3, 1e4, 1e5, 1e6]
