"""What an exposure differs from its blot by, on the whole: sky, noise, position, sharpness, and what is left."""

import math
from dataclasses import dataclass
from queue import Empty, SimpleQueue

import numpy as np

from .bands import in_parallel
from .kernels.compare import BEND, COLUMNS, RESIDUAL, SIGMA, SLOPE_X, SLOPE_Y, STRUCTURE, sample

#: Pixels that are looked at, at most: of the sky, and of sources. They are taken from pieces of so many rows.
_SAMPLE, _PIECE = 50_000, 64
#: Sky is where the structure of the blot is below this many sigma; sources are where it is above that many.
_FLAT, _CURVED = 2.0, 12.0
#: Sources have to have so many pixels for their positions, and for the blot's errors, to be measured.
_ENOUGH = 30
#: The error of a blot in units of its structure, where there are too few sources to measure it: as of undersampled
#: stars. The weights of the fit assume it as well, so that the brightest source does not decide alone.
USUAL_ROUGHNESS = 0.3
#: What part of the sources' pixels it covers. Cosmic rays are few enough not to matter for it.
_COVERED = 90.0
#: The sky has to have so many pixels for its noise to be measured, and nobody's errors are farther off than this.
_ENOUGH_SKY, _NOISE_RANGE = 300, (0.3, 3.0)
#: Residuals are never taken for smaller than this part of their errors: data without noise have no width.
_LEAST_WIDTH = 0.1
#: Coefficients that change by less have settled.
_SETTLED = 1e-5
_ROUNDS = 20


#: A misalignment above this, in pixels, matters; if its error is below a fifth of it.
MISALIGNED = 0.1

#: Exposure, blot, sigma, and the pixels to judge.
Images = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Systematics:
    """How an exposure differs from its blot on the whole; attributes as those of `skyblot.reject.Rejection`."""

    background: float
    noise: float = math.nan
    misalignment: tuple[float, float] = (math.nan, math.nan)
    misalignment_error: float = math.nan
    sharpness: float = math.nan
    roughness: float = USUAL_ROUGHNESS

    @property
    def terms(self) -> tuple[float, float, float, float]:
        """The residual they explain, as coefficients of 1, slopes in x and y, and second differences."""
        if math.isnan(self.sharpness):
            return self.background, 0.0, 0.0, 0.0
        dx, dy = self.misalignment
        return self.background, -dx, -dy, self.sharpness


def misaligned(misalignment: tuple[float, float], error: float) -> bool:
    """Whether a misalignment matters, and is no chance."""
    size = math.hypot(*misalignment)
    return size > MISALIGNED and size > 5 * error


def measure(
    data: np.ndarray,
    blot: np.ndarray,
    sigma: np.ndarray,
    valid: np.ndarray,
    background: float | None,
    threads: int = 1,
) -> Systematics:
    """Measure background, noise, misalignment, sharpness and roughness from pixels most of which are good.

    The residual of a displaced blot is minus its gradient times the displacement, and that of a smoothed one its
    Laplacian times a constant, to first order. Both are fitted to the pixels of sources by least squares with weights
    that fall with the distance from the fit (Cauchy's), so that cosmic rays do not count. What is then left is the
    error of the blot: of interpolation, of pixels that undersample stars, of higher orders of the displacement.
    """
    images = (data, blot, sigma, valid)
    sky, noise_factor = _sky(images, threads)
    background = sky if background is None else background
    rows = _sampled(images, _CURVED, math.inf, threads)
    if len(rows) < _ENOUGH:
        return Systematics(background, noise_factor)
    noise = np.hypot(rows[:, SIGMA], USUAL_ROUGHNESS * rows[:, STRUCTURE])
    design = rows[:, [SLOPE_X, SLOPE_Y, BEND]]
    found = _robust_fit(design / noise[:, None], (rows[:, RESIDUAL] - background) / noise)
    if found is None:
        return Systematics(background, noise_factor)
    coefficients, error = found
    left = np.abs(rows[:, RESIDUAL] - background - design @ coefficients)
    roughness = float(np.percentile(left / rows[:, STRUCTURE], _COVERED))
    slope_x, slope_y, bend = (float(each) for each in coefficients)
    return Systematics(background, noise_factor, (-slope_x, -slope_y), error, bend, roughness)


def _sky(images: Images, threads: int) -> tuple[float, float]:
    """Middle of the residuals of the sky, of all residuals where there is no sky, and their spread in sigma."""
    step = max(1, images[0].size // (4 * _SAMPLE))  # nearly all is sky, most often
    for most, every in ((_FLAT, step), (_FLAT, 1), (math.inf, 1)):
        rows = _sampled(images, 0.0, most, threads, every)
        if len(rows) >= min(_ENOUGH_SKY, images[0].size):
            break
    if not len(rows):
        return 0.0, math.nan
    background = clipped_median(rows[:, RESIDUAL])
    if len(rows) < _ENOUGH_SKY or most > _FLAT:
        return background, math.nan
    spread = 1.4826 * np.median(np.abs(rows[:, RESIDUAL] - background) / rows[:, SIGMA])
    return background, float(np.clip(spread, *_NOISE_RANGE))


def clipped_median(values: np.ndarray) -> float:
    """Return the median of the values within 3 sigma of it, until none is left out any more.

    Examples
    --------
    >>> clipped_median(np.array([1.0, 2.0, 3.0, 4.0, 1000.0]))
    2.5
    """
    kept = values
    for _ in range(_ROUNDS):
        middle = np.median(kept)
        spread = 1.4826 * np.median(np.abs(kept - middle))
        within = kept[np.abs(kept - middle) <= 3 * spread]
        if len(within) in (0, len(kept)):
            break
        kept = within
    return float(np.median(kept))


def _sampled(
    images: Images, least: float, most: float, threads: int, step: int = 1, capacity: int = _SAMPLE
) -> np.ndarray:
    """Pixels of every `step`-th row whose structure is from `least` to `most` sigma, thinned out to about `capacity`.

    Rows are looked at in pieces that do not depend on the number of threads, and neither does the result.
    """
    ny = len(images[0])
    pieces: dict[int, np.ndarray] = {}
    starts = SimpleQueue[int]()
    for row0 in range(0, ny, _PIECE):
        starts.put(row0)
    room = max(capacity * _PIECE // ny, 1)

    def serve() -> None:
        while True:
            try:
                row0 = starts.get_nowait()
            except Empty:
                return
            pieces[row0] = _piece(images, (row0, min(row0 + _PIECE, ny), step), least, most, room)

    in_parallel(serve, threads)
    return np.concatenate([pieces[row0] for row0 in sorted(pieces)])


def _piece(images: Images, rows: tuple[int, int, int], least: float, most: float, room: int) -> np.ndarray:
    out = np.empty((room, COLUMNS))
    count = sample(*rows, *images, least, most, 1, out)
    if count <= room:
        return out[:count]
    stride = math.ceil(count / room)
    sample(*rows, *images, least, most, stride, out)
    return out[: math.ceil(count / stride)]


def _robust_fit(design: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, float] | None:
    """Coefficients of a fit with Cauchy's weights, and the standard error of the first two; None if there is none."""
    weights, before = np.ones(len(values)), np.full(design.shape[1], np.inf)
    for _ in range(_ROUNDS):
        normal = (design * weights[:, None]).T @ design
        if not np.linalg.cond(normal) < 1e10:
            return None
        coefficients = np.linalg.solve(normal, (design * weights[:, None]).T @ values)
        away = values - design @ coefficients
        width = max(_LEAST_WIDTH, 1.4826 * float(np.median(np.abs(away))))
        weights = 1.0 / (1.0 + (away / (2.0 * width)) ** 2)
        if np.abs(coefficients - before).max() < _SETTLED:
            break
        before = coefficients
    variance = np.linalg.inv(normal).diagonal()[:2] * width**2
    return coefficients, float(np.sqrt(variance.max()))
