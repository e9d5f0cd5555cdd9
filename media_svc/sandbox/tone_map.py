"""Show the pixels of HDR photos in sRGB. Runs in the render process only."""

from collections.abc import Callable

import pyvips

from media_svc.colour_math import (
    BT2020_LUMINANCE,
    CURVE_A,
    CURVE_B,
    CURVE_FACTOR,
    HDR_TRANSFERS,
    HLG_GAMMA,
    PEAK,
    PQ,
    START,
    hlg_scene_light,
    matrix_to_bt709,
    pq_light,
    srgb_signal,
)

# An image's metadata: its transfer function, if that is an HDR one, and its primaries.
_TRANSFER, _PRIMARIES = "hdr-transfer", "hdr-primaries"
_LEVELS = 65_536


def mark_hdr(image: pyvips.Image, transfer: int, primaries: int) -> pyvips.Image:
    """Record in an image how its pixels are encoded, if that is an HDR transfer function."""
    if transfer not in HDR_TRANSFERS:
        return image
    marked = image.copy()
    marked.set_type(pyvips.GValue.gint_type, _TRANSFER, transfer)
    marked.set_type(pyvips.GValue.gint_type, _PRIMARIES, primaries)
    return marked


def is_hdr(image: pyvips.Image) -> bool:
    """Return whether an image was marked as HDR."""
    return bool(image.get_typeof(_TRANSFER))


def tone_mapped(image: pyvips.Image) -> pyvips.Image:
    """Return an HDR image in sRGB with 8 bits a band. Transparency is dropped."""
    light = _light(image.extract_band(0, n=3).cast("ushort", shift=True), image.get(_TRANSFER))
    shown = _compressed(light.recomb([list(row) for row in matrix_to_bt709(image.get(_PRIMARIES))]))
    levels = (shown * (_LEVELS - 1)).cast("ushort")
    return levels.maplut((_table(srgb_signal) * 255 + 0.5).cast("uchar")).copy(interpretation="srgb")


def _light(image: pyvips.Image, transfer: int) -> pyvips.Image:
    """Return linear light; white paper is 1."""
    if transfer == PQ:
        return image.maplut(_table(pq_light))
    scene = image.maplut(_table(hlg_scene_light))
    return scene * (scene.recomb([list(BT2020_LUMINANCE)]) ** (HLG_GAMMA - 1)) * PEAK


def _compressed(light: pyvips.Image) -> pyvips.Image:
    red, green, blue = light.bandsplit()
    largest = (red > green).ifthenelse(red, green)
    largest = (largest > blue).ifthenelse(largest, blue)
    ratio = (largest + CURVE_A) / (largest + CURVE_B) / largest * CURVE_FACTOR
    return (largest > START).ifthenelse(light * ratio, light)


def _table(function: Callable[[float], float]) -> pyvips.Image:
    return pyvips.Image.new_from_array([[function(level / (_LEVELS - 1)) for level in range(_LEVELS)]])
