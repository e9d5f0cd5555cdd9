"""The ffmpeg filters that turn a film's frames into those of a rung or poster: progressive, scaled, and in BT.709."""

from collections.abc import Iterator

from media_svc.colour_math import HDR_TRANSFERS
from media_svc.videos.colour_table import TABLE_NAME, needs_table
from media_svc.videos.rules import Film, RungPlan

# The code point of H.273.
_UNSPECIFIED = 2
# Untagged films of this many lines are BT.709 (HD), smaller ones BT.601.
_HD_LINES = 720


def rung_filters(film: Film, rung: RungPlan) -> str:
    """Return the filters for a rung."""
    rate = f"fps={film.frame_rate.numerator}/{film.frame_rate.denominator}:start_time=0"
    to_bt709 = _in_bt709(film, rung.width, rung.height)
    return ",".join((*_deinterlaced(film), rate, *to_bt709, "setsar=1,format=yuv420p"))


def poster_filters(film: Film, width: int, height: int) -> str:
    """Return the filters for a poster: RGB of this size."""
    to_rgb = "scale=in_color_matrix=bt709:in_range=tv:out_range=pc,setsar=1,format=rgb24"
    return ",".join((*_deinterlaced(film), *_in_bt709(film, width, height), to_rgb))


def _deinterlaced(film: Film) -> Iterator[str]:
    if film.is_interlaced:
        yield "bwdif=mode=send_frame:deint=all"


def _in_bt709(film: Film, width: int, height: int) -> Iterator[str]:
    """Scale first, because converting colours is slow."""
    given = "" if film.colours.matrix != _UNSPECIFIED else f":in_color_matrix={_assumed_matrix(film)}"
    scale = f"scale={width}:{height}:flags=bicubic{given}"
    in_bt709 = "out_color_matrix=bt709:out_range=tv,format=yuv444p"
    if needs_table(film):
        yield f"{scale}:out_range=pc,format=gbrp10le"
        yield f"lut3d=file={TABLE_NAME}:interp=tetrahedral"
        yield f"scale={in_bt709}"
    else:
        yield f"{scale}:{in_bt709}"


def _assumed_matrix(film: Film) -> str:
    if film.colours.transfer in HDR_TRANSFERS:
        return "bt2020"
    return "bt709" if min(film.width, film.height) >= _HD_LINES else "bt601"
