"""The ffmpeg filters that turn a film's frames into those of a rung or poster: progressive, scaled, and in BT.709."""

from collections.abc import Iterator

from media_svc.videos.rules import Film, RungPlan

# Code points of H.273.
_UNSPECIFIED = 2
_BT709, _BT2020 = 1, 9
_PQ, _HLG = 16, 18
# Primaries that sRGB screens show too pale unless they are converted: BT.2020, cinema's and Apple's P3.
_WIDE_PRIMARIES = {_BT2020: "bt2020", 11: "smpte431", 12: "smpte432"}
_HDR_TRANSFERS = {_PQ: "smpte2084", _HLG: "arib-std-b67"}
_SRGB_TRANSFER = 13
# Untagged films of this many lines are BT.709 (HD), smaller ones BT.601.
_HD_LINES = 720
# The brightness of white paper in HDR (BT.2408), and of its brightest highlights, in nits. White becomes nearly white.
_WHITE_NITS, _PEAK_NITS = 203, 1000
# Below this share of white, tone mapping changes nothing: skin and grey stay as they are.
_UNCHANGED_SHARE = 0.5


def rung_filters(film: Film, rung: RungPlan) -> str:
    """Return the filters for a rung."""
    rate = f"fps={film.frame_rate.numerator}/{film.frame_rate.denominator}:start_time=0"
    return ",".join((*_deinterlaced(film), rate, *_in_bt709(film, rung.width, rung.height), "setsar=1,format=yuv420p"))


def poster_filters(film: Film, width: int, height: int) -> str:
    """Return the filters for a poster: RGB of this size."""
    to_rgb = "scale=in_color_matrix=bt709:in_range=tv:out_range=pc,setsar=1,format=rgb24"
    return ",".join((*_deinterlaced(film), *_in_bt709(film, width, height), to_rgb))


def _deinterlaced(film: Film) -> Iterator[str]:
    if film.is_interlaced:
        yield "bwdif=mode=send_frame:deint=all"


def _in_bt709(film: Film, width: int, height: int) -> Iterator[str]:
    """Scale first, because converting colours is slow."""
    colours = film.colours
    given = "" if colours.matrix != _UNSPECIFIED else f":in_color_matrix={_assumed_matrix(film)}"
    scale = f"scale={width}:{height}:flags=bicubic:out_range=tv{given}:out_color_matrix"
    if colours.transfer in _HDR_TRANSFERS:
        yield f"{scale}=bt2020,format=yuv444p10le"
        yield from _tone_mapped(_HDR_TRANSFERS[colours.transfer], _primaries(film))
    elif colours.primaries in _WIDE_PRIMARIES:
        yield f"{scale}=bt709,format=yuv444p10le"
        transfer = "iec61966-2-1" if colours.transfer == _SRGB_TRANSFER else "bt709"
        source = f"pin={_WIDE_PRIMARIES[colours.primaries]}:tin={transfer}:min=bt709:rin=tv"
        yield f"zscale={source}:p=bt709:t={transfer}:m=bt709:r=tv,format=yuv444p"
    else:
        yield f"{scale}=bt709,format=yuv444p"


def _tone_mapped(transfer: str, primaries: str) -> Iterator[str]:
    """Convert to linear light, to BT.709's primaries, compress the highlights, and back.

    The result has the curve of sRGB: players show films much like that, and so the colours below white stay the same.
    """
    yield f"zscale=pin={primaries}:tin={transfer}:min=bt2020nc:rin=tv:t=linear:npl={_WHITE_NITS}"
    yield "format=gbrpf32le,zscale=p=bt709"
    yield f"tonemap=mobius:param={_UNCHANGED_SHARE}:peak={_PEAK_NITS / _WHITE_NITS:.2f}:desat=0"
    yield "zscale=t=iec61966-2-1:m=bt709:r=tv,format=yuv444p"


def _primaries(film: Film) -> str:
    return "bt709" if film.colours.primaries == _BT709 else _WIDE_PRIMARIES.get(film.colours.primaries, "bt2020")


def _assumed_matrix(film: Film) -> str:
    if film.colours.transfer in _HDR_TRANSFERS:
        return "bt2020"
    return "bt709" if min(film.width, film.height) >= _HD_LINES else "bt601"
