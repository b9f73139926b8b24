"""The pictures of a chip as bytes: an overview in blocks, and tiles of its own pixels.

What a tile holds gives all four values of a pixel: the exposure is blot + residual x sigma.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from typing import Any

import numpy as np
from PIL import Image
from scipy.ndimage import uniform_filter
from scipy.optimize import brentq

from ..bounds import Bounds
from .chip import ChipReport
from .stretch import (
    RESIDUAL,
    Stretch,
    block_any,
    block_mean,
    block_residual,
    block_sum,
    image_stretch,
)

#: Largest side of a tile.
TILE = 1100
#: Residuals of tiles: steps of 0.6 sigma around 0, of 5 percent and less where they are large;
#: 255 levels, so that 0 is one of them, and the last one, 255, for no value.
_RESIDUAL_STEP = 0.6
_RESIDUAL_LIMITS = (100.0, 3000.0)
RESIDUAL_LEVELS = 255
_ZERO = RESIDUAL_LEVELS // 2
NO_VALUE = 255
#: Where the page is large, residuals below so many sigma are 0, and pictures are coarser.
THIN = 4.0
_THIN_QUALITY = 40
_QUALITY = 75
#: Of the blocks of residuals, which are noise.
_NOISE_QUALITY = 50
#: From here on the noise of a pixel is its own.
_OWN = 3.0
#: The noise of pixels without a residual worth dividing by is that of as many around.
_AROUND = 5
_WORTH = 0.5
_ALIKE = 0.3
#: That noise is rounded to steps of 15 percent, which saves a quarter of the bytes.
_COARSE = np.float32(1.15)
#: Blots are kept level by level where their picture is off by so many sigma of the sky.
_LOST = 1.5
_BLOCK = 16
#: zlib's Z_HUFFMAN_ONLY: noise has no repetitions.
_HUFFMAN = 2
_PNG = b"\x89PNG"
#: Labels: what flagged a pixel in the upper two bits, which share of a block in the others.
ONLY_NOW = 0
BOTH = 1
ONLY_EARLIER = 2
NOT_COMPARED = 3
ALL = 63
#: Of what is not compared: what is missing.
NO_BLOT = 1
NO_EXPOSURE = 2


@dataclass(frozen=True)
class Scales:
    """What the levels of a chip's tiles mean: of the blot, of sigma, and of the residual."""

    blot: Stretch
    sigma: Stretch
    usual: float
    residual: Stretch = RESIDUAL


def scales_of(chip: ChipReport) -> Scales:
    """Return the scales of a chip, over all of its values."""
    blot = np.asarray(chip.blot, np.float32)
    finite = blot[np.isfinite(blot)]
    near = image_stretch(chip.exposure, chip.blot)
    if finite.size:
        low = max(float(finite.min()), near.middle - 4 * near.width)
        high = float(finite.max())
        near = Stretch(min(low, near.low), near.middle, max(high, near.high), near.width)
    sigma, usual = _sigmas(chip)
    return Scales(near, sigma, usual, _residual_scale(chip.residual_sigma))


def _residual_scale(residual: np.ndarray) -> Stretch:
    """The scale of residuals up to the largest: the width that makes the wanted step at 0."""
    sizes = np.abs(np.asarray(residual, np.float32))
    largest = float(np.max(sizes, initial=0, where=np.isfinite(sizes)))
    limit = min(max(largest, _RESIDUAL_LIMITS[0]), _RESIDUAL_LIMITS[1])
    reach = _RESIDUAL_STEP * _ZERO
    width = brentq(lambda w: w * np.arcsinh(limit / w) - reach, 1e-3, 1e3 * limit)
    return Stretch(-limit, 0.0, limit, float(width))


def _sigmas(chip: ChipReport) -> tuple[Stretch, float]:
    """The scale of sigma, nearly logarithmic, around the usual one."""
    step = max(1, max(chip.exposure.shape) // 512)
    some = (slice(None, None, step), slice(None, None, step))
    usual = _ratio_of_sums(*_differences(*(each[some] for each in _planes(chip))))
    if not np.isfinite(usual) or usual <= 0:
        usual = 1.0
    return Stretch(usual / 10, 0.0, 300 * usual, usual / 30), usual


def _planes(chip: ChipReport) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return chip.exposure, chip.blot, chip.residual_sigma


def _differences(
    exposure: np.ndarray, blot: np.ndarray, residual: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Exposure minus blot, and the residual, float32."""
    with np.errstate(invalid="ignore", over="ignore"):
        difference = np.asarray(exposure, np.float32) - np.asarray(blot, np.float32)
    return difference, np.asarray(residual, np.float32)


def _usable(difference: np.ndarray, residual: np.ndarray) -> np.ndarray:
    """Where the difference over the residual says what the noise is."""
    size = np.abs(residual)
    with np.errstate(invalid="ignore", over="ignore"):
        usable: np.ndarray = (size > 0.5) & (size < 10) & (difference * residual > 0)
    return usable & np.isfinite(difference)


def _ratio_of_sums(difference: np.ndarray, residual: np.ndarray) -> float:
    usable = _usable(difference, residual)
    if not usable.any():
        return float("nan")
    return float(np.abs(difference[usable]).sum() / np.abs(residual[usable]).sum())


def sigma_of(difference: np.ndarray, residual: np.ndarray, usual: float) -> np.ndarray:
    """Return the noise that a comparison allows for at each pixel, float32.

    The difference over the residual where that is large, or where it is not what it is around; else
    the mean of such ratios in the pixels around, which is smooth.
    """
    usable = _usable(difference, residual)
    zero = np.float32(0)
    top = uniform_filter(np.where(usable, np.abs(difference), zero), _AROUND)
    bottom = uniform_filter(np.where(usable, np.abs(residual), zero), _AROUND)
    size = np.abs(residual)
    with np.errstate(invalid="ignore", divide="ignore"):
        # what is left by rounding in running sums is no residual
        around = np.where(bottom > 0.01, top / bottom, np.float32(usual))
        around = np.float32(usual) * _COARSE ** np.rint(np.log(around / usual) / np.log(_COARSE))
        ratio = difference / residual
        differs = (size > _WORTH) & (np.abs(ratio / around - 1) > _ALIKE)
        own = ((size >= _OWN) | differs) & (ratio > 0.1 * usual) & np.isfinite(ratio)
    sigma: np.ndarray = np.where(own, ratio, around).astype(np.float32)
    return sigma


def tile_bounds(shape: tuple[int, int]) -> list[Bounds]:
    """Return the tiles of a chip, all of about the same size, row by row from the bottom."""
    edges = [
        [round(k * size / count) for k in range(count + 1)]
        for size, count in ((size, -(-size // TILE)) for size in shape)
    ]
    return [
        Bounds(y0, y1, x0, x1) for y0, y1 in pairwise(edges[0]) for x0, x1 in pairwise(edges[1])
    ]


def tiles_of(chip: ChipReport, scales: Scales) -> Iterator[bytes]:
    """Yield the tiles of a chip, in the order of `tile_bounds`."""
    for bounds in tile_bounds(np.shape(chip.exposure)):
        here = bounds.slices
        exposure, blot, residual = (each[here] for each in _planes(chip))
        level = np.where(np.isfinite(blot), blot, np.float32(scales.blot.middle))
        difference, compared = _differences(exposure, level, residual)
        sigma = sigma_of(difference, compared, scales.usual)
        known = np.isfinite(compared)
        with np.errstate(invalid="ignore", divide="ignore"):
            shown = np.where(known, compared, difference / sigma)
        levels = scales.residual.levels(shown, RESIDUAL_LEVELS)
        levels[~np.isfinite(shown)] = NO_VALUE
        yield _joined(
            *_blot_parts(level, scales),
            _png(levels, _HUFFMAN),
            _png(scales.sigma.levels(sigma, 256)),
            _png(labels_of(chip, bounds, 1)),
        )


def _blot_parts(blot: np.ndarray, scales: Scales) -> tuple[bytes, bytes]:
    """A blot as a picture that is good on the sky, and what it lacks on sources, level by level."""
    levels = scales.blot.levels(blot, 256)
    picture = _jpeg(levels, _QUALITY)
    lost = _pixels(picture)
    table = np.array([scales.blot.value(level / 255) for level in range(256)], np.float32)
    bad = np.abs(table[lost] - table[levels]) > _LOST * scales.usual
    # modulo 256
    return picture, _png(np.where(bad, levels - lost, np.uint8(0)))


def overview_of(chip: ChipReport, stretch: Stretch, step: int) -> bytes:
    """Return the overview of a chip in blocks of step x step pixels."""
    exposure, blot, residual = _planes(chip)
    return _joined(
        _jpeg(stretch.levels(block_mean(blot, step), 256), _QUALITY),
        _jpeg(stretch.levels(block_mean(exposure, step), 256), _QUALITY),
        _jpeg(RESIDUAL.levels(block_residual(residual, step), 256), _NOISE_QUALITY),
        b"",
        _png(labels_of(chip, Bounds.whole(np.shape(exposure)), step)),
    )


def labels_of(chip: ChipReport, bounds: Bounds, step: int) -> np.ndarray:
    """Return what flagged pixels, or blocks of them and which share of each, uint8."""
    here = bounds.slices
    exposure, blot, residual = (each[here] for each in _planes(chip))
    missing = ~block_any(np.isfinite(residual), step)
    labels = np.where(missing, np.uint8(NOT_COMPARED << 6), np.uint8(0))
    for image, bit in ((blot, NO_BLOT), (exposure, NO_EXPOSURE)):
        labels[missing & ~block_any(np.isfinite(image), step)] += np.uint8(bit)
    if chip.mask is None:
        return labels
    now = np.asarray(chip.mask, bool)[here]
    earlier = np.zeros_like(now) if chip.earlier is None else np.asarray(chip.earlier, bool)[here]
    return mask_labels(now, earlier, labels, step)


def mask_labels(now: np.ndarray, earlier: np.ndarray, others: np.ndarray, step: int) -> np.ndarray:
    """Return the labels of blocks in which any pixel is flagged by either mask; else `others`."""
    if step == 1:
        kind = np.where(earlier, np.where(now, BOTH, ONLY_EARLIER), ONLY_NOW).astype(np.uint8)
        return np.where(now | earlier, (kind << 6) + np.uint8(ALL), others)
    kinds = (now & ~earlier, now & earlier, earlier & ~now)
    counts = np.stack([block_sum(kind.astype(np.float32), step) for kind in kinds])
    total = counts.sum(0)
    areas = block_sum(np.ones(now.shape, np.float32), step)
    share = np.ceil(ALL * total / areas).astype(np.uint8)
    most = np.argmax(counts, 0).astype(np.uint8)
    return np.where(total > 0, (most << 6) + share, others)


def mosaic_scales(image: np.ndarray, weight: np.ndarray | None) -> Scales:
    """Return the scales of a mosaic: of its pixels, and of its weights."""
    near = image_stretch(image, image)
    finite = image[np.isfinite(image)]
    high = max(float(finite.max()), near.high) if finite.size else near.high
    top = 1.0
    if weight is not None and np.isfinite(weight).any():
        top = max(float(np.nanmax(weight)), 1e-30)
    return Scales(Stretch(near.low, near.middle, high, near.width), Stretch(0, 0, top, top), 1.0)


def mosaic_tile(image: np.ndarray, weight: np.ndarray | None, scales: Scales, step: int) -> bytes:
    """Return a tile of a mosaic, or its overview: pixels, no residual, weights, what is missing."""
    image = block_mean(image, step)
    weight = np.ones(image.shape, np.float32) if weight is None else block_mean(weight, step)
    missing = ~np.isfinite(image) | ~(weight > 0)
    labels = np.where(missing, np.uint8((NOT_COMPARED << 6) + NO_BLOT + NO_EXPOSURE), np.uint8(0))
    return _joined(
        _jpeg(scales.blot.levels(image, 256), _QUALITY),
        b"",
        b"",
        _jpeg(scales.sigma.levels(weight, 256), _QUALITY),
        _png(labels),
    )


def thinned(tile: bytes) -> bytes:
    """Return a tile or an overview with less in it, for large pages.

    Of a tile, residuals below 4 sigma are 0; pictures are coarser.
    """
    parts = _parts(tile)
    if parts[2].startswith(_PNG):
        levels = _pixels(parts[2])
        near = round(THIN / _RESIDUAL_STEP)
        small = (levels > _ZERO - near) & (levels < _ZERO + near)
        parts[2] = _png(np.where(small, np.uint8(_ZERO), levels))
        sigma = _pixels(parts[3])
        parts[3] = _png(np.where(small, _calm(sigma, small), sigma) & np.uint8(0xFE))
    return _joined(
        *(
            part if part.startswith(_PNG) or not part else _jpeg(_pixels(part), _THIN_QUALITY)
            for part in parts
        )
    )


def _calm(sigma: np.ndarray, small: np.ndarray) -> np.ndarray:
    """The usual level of sigma in blocks, of pixels with small residuals."""
    total = block_sum(np.where(small, sigma, 0).astype(np.float32), _BLOCK)
    count = block_sum(small.astype(np.float32), _BLOCK)
    mean = np.rint(total / np.maximum(count, 1)).astype(np.uint8)
    ny, nx = sigma.shape
    around: np.ndarray = mean.repeat(_BLOCK, 0)[:ny].repeat(_BLOCK, 1)[:, :nx]
    return around


def scale_numbers(stretch: Stretch, levels: int = 256) -> dict[str, Any]:
    """Return what a page needs to turn levels into values."""
    return {**vars(stretch), "levels": levels}


def levels_in(tile: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return the levels of the residual, and the labels, of a tile; of an overview the latter."""
    parts = _parts(tile)
    labels = _pixels(parts[4])
    return (_pixels(parts[2]) if parts[2].startswith(_PNG) else labels), labels


def with_labels(tile: bytes, labels: np.ndarray) -> bytes:
    """Return a tile, or an overview, with other labels."""
    return _joined(*_parts(tile)[:4], _png(labels))


def _joined(*parts: bytes) -> bytes:
    """Five pictures with their lengths before them."""
    return struct.pack("<5I", *map(len, parts)) + b"".join(parts)


def _parts(tile: bytes) -> list[bytes]:
    ends = np.cumsum([20, *struct.unpack_from("<5I", tile)])
    return [tile[first:last] for first, last in pairwise(ends)]


def _pixels(picture: bytes) -> np.ndarray:
    """Levels, the first row at the bottom."""
    with Image.open(BytesIO(picture)) as image:
        return np.asarray(image)[::-1]


def _jpeg(levels: np.ndarray, quality: int) -> bytes:
    return _saved(Image.fromarray(np.ascontiguousarray(levels[::-1])), "JPEG", quality=quality)


def _png(levels: np.ndarray, strategy: int | None = None) -> bytes:
    """A PNG of levels, without the filters of rows, which are no help for noise and masks."""
    image = Image.fromarray(np.ascontiguousarray(levels[::-1]))
    image.putpalette([level for level in range(256) for _ in range(3)])
    how = {"compress_level": 9} if strategy is None else {"compress_type": strategy}
    return _saved(image, "PNG", **how)


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()
