"""The table by which ffmpeg's `lut3d` shows HDR and wide colours in BT.709."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

from media_svc.colour_math import HDR_TRANSFERS, WIDE_PRIMARIES, shown_in_srgb
from media_svc.videos.rules import Colours, Film

TABLE_NAME = "colours.cube"
# Points on each side. Between them ffmpeg interpolates.
_SIDE = 49


def needs_table(film: Film) -> bool:
    """Return whether a film's colours have to be converted."""
    return film.colours.transfer in HDR_TRANSFERS or film.colours.primaries in WIDE_PRIMARIES


def ensure_table(folder: Path, film: Film) -> None:
    """Write the table for a film into a folder, if it needs one and has none yet. Takes a moment."""
    if needs_table(film) and not (folder / TABLE_NAME).exists():
        (folder / TABLE_NAME).write_text("\n".join((f"LUT_3D_SIZE {_SIDE}", *_rows(film.colours), "")))


def _rows(colours: Colours) -> Iterator[str]:
    """Return the entries in Adobe's order: red changes fastest."""
    levels = [each / (_SIDE - 1) for each in range(_SIDE)]
    for blue, green, red in product(levels, repeat=3):
        shown = shown_in_srgb((red, green, blue), colours.transfer, colours.primaries)
        yield " ".join(f"{each:.6f}" for each in shown)
