"""How bright and colourful coded pixels are, and how sRGB shows that. Pure mathematics, for photos and films.

Everything up to the brightness of white paper keeps its colour; the highlights of HDR are compressed into the rest.
"""

import math

RGB = tuple[float, float, float]

# Transfer functions by their code points in H.273.
PQ, HLG = 16, 18
HDR_TRANSFERS = frozenset({PQ, HLG})
_SRGB = 13
BT709 = 1
# The primaries that sRGB screens show too pale unless they are converted: BT.2020, and P3 of cinemas and of Apple.
_BT2020, _P3 = 9, (11, 12)
WIDE_PRIMARIES = frozenset({_BT2020, *_P3})

# The brightness of white paper (BT.2408) and of the brightest highlights, in nits.
WHITE_NITS, PEAK_NITS, _PQ_NITS = 203, 1000, 10_000
# Tone mapping changes nothing below this share of white, and ends at the peak.
START, PEAK = 0.5, PEAK_NITS / WHITE_NITS
# The Möbius curve of ffmpeg's `tonemap`.
CURVE_A = -START * START * (PEAK - 1) / (START * START - 2 * START + PEAK)
CURVE_B = (START * START - 2 * START * PEAK + PEAK) / (PEAK - 1)
CURVE_FACTOR = (CURVE_B * CURVE_B + 2 * CURVE_B * START + START * START) / (CURVE_B - CURVE_A)

BT2020_LUMINANCE = (0.2627, 0.6780, 0.0593)
HLG_GAMMA = 1.2
# SDR films have no white paper: their curve is that of screens (BT.1886).
_SCREEN_GAMMA = 2.4
_SRGB_LINEAR_END = 0.0031308, 0.04045
# From linear BT.2020 and P3 to linear BT.709.
_FROM_BT2020 = ((1.6605, -0.5876, -0.0728), (-0.1246, 1.1329, -0.0083), (-0.0182, -0.1006, 1.1187))
_FROM_P3 = ((1.2249, -0.2247, 0.0), (-0.0420, 1.0419, 0.0), (-0.0197, -0.0786, 1.0979))
_UNCHANGED = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def matrix_to_bt709(primaries: int) -> tuple[RGB, RGB, RGB]:
    """Return the matrix from linear light with these primaries. HDR without stated primaries is BT.2020."""
    if primaries == BT709:
        return _UNCHANGED
    return _FROM_P3 if primaries in _P3 else _FROM_BT2020


def pq_light(signal: float) -> float:
    """Return linear light by the EOTF of SMPTE ST 2084; white paper is 1."""
    root = math.pow(signal, 1 / 78.84375)
    nits = _PQ_NITS * math.pow(max(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root), 1 / 0.1593017578125)
    return nits / WHITE_NITS


def hlg_scene_light(signal: float) -> float:
    """Return the light of the scene, from 0 to 1, by the inverse OETF of HLG (BT.2100)."""
    if signal <= 1 / 2:
        return signal * signal / 3
    return (math.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12


def srgb_signal(light: float) -> float:
    """Return the sRGB signal for linear light; both are from 0 to 1."""
    linear_end, _ = _SRGB_LINEAR_END
    return 12.92 * light if light <= linear_end else 1.055 * math.pow(light, 1 / 2.4) - 0.055


def shown_in_srgb(signal: RGB, transfer: int, primaries: int) -> RGB:
    """Return the signal by which sRGB, or BT.709 with the curve of screens, shows a coded colour."""
    if transfer in HDR_TRANSFERS:
        light = _pq(signal) if transfer == PQ else _hlg(signal)
        red, green, blue = _compressed(_times(matrix_to_bt709(primaries), light))
        return srgb_signal(_clip(red)), srgb_signal(_clip(green)), srgb_signal(_clip(blue))
    red, green, blue = _times(matrix_to_bt709(primaries), _screen_light(signal, transfer))
    return _screen_signal(red, transfer), _screen_signal(green, transfer), _screen_signal(blue, transfer)


def _pq(signal: RGB) -> RGB:
    return pq_light(signal[0]), pq_light(signal[1]), pq_light(signal[2])


def _hlg(signal: RGB) -> RGB:
    """Apply the OOTF of a screen of 1,000 nits, which depends on the luminance of the scene."""
    red, green, blue = (hlg_scene_light(each) for each in signal)
    luminance = sum(weight * each for weight, each in zip(BT2020_LUMINANCE, (red, green, blue), strict=True))
    factor = math.pow(luminance, HLG_GAMMA - 1) * PEAK
    return red * factor, green * factor, blue * factor


def _compressed(light: RGB) -> RGB:
    """Compress by the largest component, so that hues stay."""
    largest = max(light)
    if largest <= START:
        return light
    ratio = CURVE_FACTOR * (largest + CURVE_A) / (largest + CURVE_B) / largest
    return light[0] * ratio, light[1] * ratio, light[2] * ratio


def _screen_light(signal: RGB, transfer: int) -> RGB:
    if transfer == _SRGB:
        return _srgb_light(signal[0]), _srgb_light(signal[1]), _srgb_light(signal[2])
    return signal[0] ** _SCREEN_GAMMA, signal[1] ** _SCREEN_GAMMA, signal[2] ** _SCREEN_GAMMA


def _screen_signal(light: float, transfer: int) -> float:
    return srgb_signal(_clip(light)) if transfer == _SRGB else math.pow(_clip(light), 1 / _SCREEN_GAMMA)


def _srgb_light(signal: float) -> float:
    _, linear_end = _SRGB_LINEAR_END
    return signal / 12.92 if signal <= linear_end else math.pow((signal + 0.055) / 1.055, 2.4)


def _times(matrix: tuple[RGB, RGB, RGB], light: RGB) -> RGB:
    red, green, blue = (sum(a * b for a, b in zip(row, light, strict=True)) for row in matrix)
    return red, green, blue


def _clip(value: float) -> float:
    return min(max(value, 0.0), 1.0)
