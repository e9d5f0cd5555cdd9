"""Line plots as SVG. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 720, 340
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 62, 48
COLOURS = ("#0969da", "#bc4c00", "#1a7f37", "#8250df")
TICKS = 5
MARK_ROOM = 190
_STYLE = (
    'text { font: 12px ui-sans-serif, system-ui, "Helvetica Neue", Arial, sans-serif; fill: #57606a; '
    "paint-order: stroke; stroke: #ffffff; stroke-width: 3px } "
    ".t { font-size: 14px; font-weight: 600; fill: #1f2328 } .grid { stroke: #d8dee4 } "
    ".mark { stroke: #8c959f; stroke-dasharray: 4 3 } "
    "polyline { fill: none; stroke-width: 2; stroke-linejoin: round }"
)
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis from `low` to `high`. A logarithmic one needs `low` above 0."""

    title: str
    low: float
    high: float
    is_log: bool = False

    def share(self, value: float) -> float:
        """Return where a value is, from 0 to 1. Values outside are at the ends."""
        low, high = self._scaled(self.low), self._scaled(self.high)
        return (self._scaled(min(max(value, self.low), self.high)) - low) / (high - low)

    def ticks(self) -> list[float]:
        """Return powers of ten, or round numbers."""
        if self.is_log:
            return [10.0**power for power in range(math.ceil(math.log10(self.low)), int(math.log10(self.high)) + 1)]
        rough = (self.high - self.low) / TICKS
        base = 10 ** math.floor(math.log10(rough))
        step = next(base * factor for factor in (1, 2, 2.5, 3, 5, 10) if base * factor >= rough)
        return [step * number for number in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self.is_log else value


@dataclass(frozen=True, slots=True)
class Line:
    """A named line."""

    name: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Plot:
    """Lines over two axes, with named vertical and horizontal marks."""

    title: str
    x: Axis
    y: Axis
    lines: Sequence[Line]
    at_x: Sequence[tuple[float, str]] = ()
    at_y: Sequence[tuple[float, str]] = ()

    def svg(self) -> str:
        """Draw it."""
        parts = [*self._frame(), *self._grid(), *self._lines(), *self._marks()]
        size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
        return "\n".join(
            [head, f"<title>{escape(self.title)}</title>", f"<style>{_STYLE}</style>", *parts, "</svg>", ""]
        )

    def _frame(self) -> list[str]:
        middle = (TOP + HEIGHT - BOTTOM) / 2
        return [
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            _text(LEFT, 22, self.title, "start", "t"),
            _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, self.x.title, "middle"),
            f'<text transform="translate(16 {middle:.0f}) rotate(-90)" text-anchor="middle">{escape(self.y.title)}</text>',
        ]

    def _grid(self) -> list[str]:
        across = [(self._down(value), short(value)) for value in self.y.ticks()]
        along = [(self._right(value), short(value)) for value in self.x.ticks()]
        return [
            *(_line(LEFT, y, WIDTH - RIGHT, y, "grid") + _text(LEFT - 8, y + 4, name, "end") for y, name in across),
            *(
                _line(x, TOP, x, HEIGHT - BOTTOM, "grid") + _text(x, HEIGHT - BOTTOM + 18, name, "middle")
                for x, name in along
            ),
        ]

    def _marks(self) -> list[str]:
        upright = [(self._right(value), name) for value, name in self.at_x]
        level = [(self._down(value), name) for value, name in self.at_y]
        return [
            *(_line(x, TOP, x, HEIGHT - BOTTOM, "mark") + _text(x + 4, TOP + 14, name, "start") for x, name in upright),
            *(
                _line(LEFT, y, WIDTH - RIGHT, y, "mark") + _text(LEFT + MARK_ROOM, y - 5, name, "start")
                for y, name in level
            ),
        ]

    def _lines(self) -> list[str]:
        drawn, x = [], float(LEFT)
        for line, colour in zip(self.lines, COLOURS, strict=False):
            points = " ".join(f"{self._right(at):.1f},{self._down(value):.1f}" for at, value in line.points)
            drawn.append(f'<polyline points="{points}" stroke="{colour}"/>')
            drawn.append(f'<rect x="{x:.0f}" y="36" width="14" height="4" fill="{colour}"/>')
            drawn.append(_text(x + 20, 42, line.name, "start"))
            x += 44 + 6.6 * len(line.name)
        return drawn

    def _right(self, value: float) -> float:
        return LEFT + self.x.share(value) * (WIDTH - LEFT - RIGHT)

    def _down(self, value: float) -> float:
        return HEIGHT - BOTTOM - self.y.share(value) * (HEIGHT - TOP - BOTTOM)


def short(value: float) -> str:
    """Return a number with k, M or G."""
    units: Sequence[tuple[float, str]] = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
    size, name = next((unit for unit in units if abs(value) >= unit[0]), (1.0, ""))
    return f"{value / size:g}{name}"


def _text(x: float, y: float, text: str, anchor: str, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{named}>{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'
