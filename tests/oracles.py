"""Every comparison the tests make with something independent, in one table, and the slow obvious
versions.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import interpolate, ndimage


@dataclass(frozen=True)
class Comparison:
    """One row: what is compared with what, and how far apart they may be."""

    ours: str
    oracle: str
    tolerance: float
    unit: str
    why: str


_F32, _F64 = 2.0**-23, 2.0**-52  # ulp of 1

COMPARISONS = {
    "map, astropy": Comparison(
        "pixel_map",
        "astropy.wcs: all_pix2world, astropy.coordinates, wcs_world2pix",
        1e-8,
        "source pixel",
        "issue 2, item 1; where astropy itself is further from the truth, the truth decides "
        "(`assert_map`)",
    ),
    "map, truth": Comparison(
        "pixel_map",
        "`true_map`: the same geometry in extended precision",
        8 * _F64 / 2,
        "radian",
        "a direction cosine is rounded by at most 2**-53; eight of them make up a homography",
    ),
    "nearest, drizzle": Comparison("nearest", "drizzle.resample.blot_image", 0.0, "value",
    "a copy"), "drizzle": Comparison(
        "linear, poly3, poly5", "drizzle.resample.blot_image", 2e-6, "local peak", "issue 2, item 2"
    ),
    "constant": Comparison("all", "a constant", 1e-6, "the constant", "issue 2, item 3"),
    "definition": Comparison(
        "all", "`interpolated`", 1.0, "kernel_rounding * extended peak", "see `kernel_rounding`"
    ),
    "fit": Comparison("lanczos3, lanczos5, sinc", "their weights' definition", 1e-7, "1",
    "DESIGN 6"), "cutout": Comparison("blot", "blot of a cutout", 4 * _F32, "local peak",
    "issue 2, item 4"),
}  # fmt: skip


def tolerance(name):
    """The tolerance of a row of the table."""
    return COMPARISONS[name].tolerance


# ---- pixel maps ----------------------------------------------------------------------------------


def pixel_grid(shape, step_y=1, step_x=1):
    """0-based positions (x, y) of every `step`-th pixel and of the last row and column, 1-D."""
    rows = np.unique([*range(0, shape[0], step_y), shape[0] - 1])
    columns = np.unique([*range(0, shape[1], step_x), shape[1] - 1])
    y, x = np.meshgrid(rows, columns, indexing="ij")
    return x.ravel(), y.ravel()


def astropy_map(target, source, x, y, frames=None):
    """Target pixels to source pixels by astropy alone; `frames` are the two celestial frames, if
    they differ.
    """
    world = target.all_pix2world(np.asarray(x, float), np.asarray(y, float), 0)
    lon, lat = world[target.wcs.lng], world[target.wcs.lat]
    if frames is not None:
        from astropy.coordinates import SkyCoord

        there = SkyCoord(lon, lat, unit="deg", frame=frames[0]).transform_to(frames[1])
        lon, lat = there.spherical.lon.deg, there.spherical.lat.deg
    world = (lon, lat) if source.wcs.lng == 0 else (lat, lon)
    if source.has_distortion:
        return source.all_world2pix(*world, 0, tolerance=1e-10)
    return source.wcs_world2pix(*world, 0)


def rotation_between(frames):
    """Rotation matrix between two frames, from Cartesian vectors (no rounding to degrees)."""
    from astropy.coordinates import CartesianRepresentation, SkyCoord

    unit_vectors = SkyCoord(CartesianRepresentation(np.eye(3)), frame=frames[0])
    return unit_vectors.transform_to(frames[1]).cartesian.xyz.value


def true_map(target, source, x, y, frames=None):
    """Target pixels to source pixels of two TAN images, in extended precision from FITS WCS Paper
    II.

    Only the distortion (`pix2foc`: polynomials and tables, in pixels) is double precision.
    """
    real = np.longdouble
    focal = target.pix2foc(np.asarray(x, float), np.asarray(y, float), 0)
    crpix = [real(value) - 1 for value in target.wcs.crpix]
    plane = _plane(target) @ np.array([focal[0] - crpix[0], focal[1] - crpix[1]])
    toward = _axes(target) @ np.array([plane[0], plane[1], np.ones_like(plane[0])])
    if frames is not None:
        toward = rotation_between(frames).astype(real) @ toward
    along = _axes(source).T @ toward
    (a, b), (c, d) = _plane(source)
    with np.errstate(invalid="ignore", divide="ignore"):
        u, v = np.where(along[2] > 0, along[:2] / along[2], np.nan)
    crpix = [real(value) - 1 for value in source.wcs.crpix]
    return (d * u - b * v) / (a * d - b * c) + crpix[0], (a * v - c * u) / (a * d - b * c) + crpix[
        1
    ]


def _degree():
    return np.arccos(np.longdouble(-1)) / 180


def _plane(wcs):
    """Pixel offsets to tangent plane, radians, longitude first."""
    return (np.array(wcs.pixel_scale_matrix, dtype=np.longdouble) * _degree())[
        [wcs.wcs.lng, wcs.wcs.lat]
    ]


def _axes(wcs):
    """Columns: x axis, y axis and normal of the tangent plane in the celestial frame."""
    lon, lat = (
        np.longdouble(wcs.wcs.crval[axis]) * _degree() for axis in (wcs.wcs.lng, wcs.wcs.lat)
    )
    turn = (np.longdouble(wcs.wcs.lonpole) - 180) * _degree()
    east = np.array([-np.sin(lon), np.cos(lon), np.longdouble(0)])
    normal = np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    north = np.cross(normal, east)
    x_axis, y_axis = (
        np.cos(turn) * east - np.sin(turn) * north,
        np.sin(turn) * east + np.cos(turn) * north,
    )
    return np.stack([x_axis, y_axis, normal], axis=1)


def map_rounding(source):
    """What "map, truth" allows, in pixels of a source."""
    return tolerance("map, truth") / math.radians(
        math.sqrt(abs(np.linalg.det(source.pixel_scale_matrix)))
    )


def assert_map(ours, target, source, x, y, frames=None):
    """Check a map of a TAN pair at 1-D positions: within 1e-8 pixel of astropy, and of the truth.

    Astropy hands the sky over in degrees: an ulp of 360 is 5e-9 of a 0.04 arcsec pixel, and its
    inverse sines near the poles of both systems cost as much again. Where the two differ by more
    than 1e-8, the truth decides: ours must be within its own rounding, and astropy further away
    than we are.
    """
    theirs = np.stack(astropy_map(target, source, x, y, frames))
    ours = np.stack([np.asarray(each).ravel() for each in ours])
    assert np.array_equal(np.isfinite(ours), np.isfinite(theirs))
    apart = np.abs(ours - theirs).max(axis=0)
    odd = apart > tolerance("map, astropy")
    checked = odd | (np.arange(odd.size) % max(odd.size // 20000, 1) == 0)
    truth = np.stack(true_map(target, source, x[checked], y[checked], frames))
    off = np.abs(ours[:, checked] - truth).max(axis=0)
    assert np.array_equal(np.isfinite(ours[:, checked]), np.isfinite(truth))
    assert np.nanmax(off, initial=0) <= map_rounding(source)
    theirs_off = np.abs(theirs[:, checked] - truth).max(axis=0)
    assert (theirs_off > off)[odd[checked]].all()
    return float(np.nanmax(apart, initial=0)), float(np.nanmax(off, initial=0))


# ---- interpolation -------------------------------------------------------------------------------


def taps_and_weights(name, position, sinscl=1.0):
    """First tap (integers) and weights (taps, n) at 1-D positions, from the definitions."""
    position = np.asarray(position, float)
    if name in ("nearest", "sinc"):
        base = np.floor(position + 0.5)
        if name == "nearest":
            return base.astype(int), np.ones((1, position.size))
        # DESIGN 6 has j = -7 ... 7, where the taper is zero at both ends: 13 taps are read.
        j = np.arange(-6, 7)[:, None]
        weights = np.sinc((j - (position - base)) / sinscl) * np.cos(np.pi * j / 14) ** 2
        return base.astype(int) - 6, weights / weights.sum(axis=0)
    half = {"linear": 1, "poly3": 2, "spline3": 2, "poly5": 3, "lanczos3": 3, "lanczos5": 5}[name]
    base = np.floor(position)
    j = np.arange(1 - half, half + 1)[:, None]
    t = j - (position - base)
    if name == "spline3":
        weights = interpolate.BSpline.basis_element(np.arange(-2.0, 3.0), extrapolate=False)(t)
        weights = np.nan_to_num(weights)
    elif name.startswith("lanczos"):
        weights = np.sinc(t) * np.sinc(t / half)
        weights /= weights.sum(axis=0)
    else:
        weights = np.ones_like(t)
        for other in range(1 - half, half + 1):
            weights *= np.where(
                j == other, 1.0, (position - base - other) / np.where(j == other, 1, j - other)
            )
    return base.astype(int) + 1 - half, weights


def extended(image, margin):
    """An image continued by point reflection about its end pixels, ``e(-i) = 2 e(0) - e(i)``, axis
    by axis.
    """
    for axis in (0, 1):
        line = np.moveaxis(image, axis, 0)
        size = len(line)
        values = {i: line[i] for i in range(size)}
        for k in range(1, margin + 1):
            if size == 1:
                values[-k] = values[k] = line[0]
                continue
            values[-k] = 2 * values[0] - values[k]
            values[size - 1 + k] = 2 * values[size - 1] - values[size - 1 - k]
        image = np.moveaxis(np.stack([values[i] for i in range(-margin, size + margin)]), 0, axis)
    return image


def _pixels(source, name, margin):
    image = np.asarray(source, dtype=np.float64)
    if name != "spline3":
        return extended(image, margin)
    # The spline through the data, continued far enough (0.268**40 = 1e-23) for the filter's own
    # border.
    wide = ndimage.spline_filter(extended(image, margin + 40), order=3, mode="mirror")
    return wide[40:-40, 40:-40]


def interpolated(source, x, y, name, sinscl=1.0):
    """The source at positions ``x, y`` by the definition, in float64, tap by tap."""
    margin = 16
    pixels = _pixels(source, name, margin)
    (first_x, weights_x), (first_y, weights_y) = (
        taps_and_weights(name, np.ravel(each), sinscl) for each in (x, y)
    )
    total = np.zeros(np.size(x))
    for i, wy in enumerate(weights_y):
        for j, wx in enumerate(weights_x):
            total += wy * wx * pixels[first_y + i + margin, first_x + j + margin]
    return total.reshape(np.shape(x))


def touches(bad, x, y, name):
    """Whether a position's taps (those beyond the edges: the pixels they are made of) include a bad
    pixel.
    """
    marked = np.where(bad, np.nan, 0.0)
    margin = 16
    pixels = extended(marked, margin)
    (first_x, weights_x), (first_y, weights_y) = (
        taps_and_weights(name, np.ravel(each)) for each in (x, y)
    )
    found = np.zeros(np.size(x), bool)
    for i in range(len(weights_y)):
        for j in range(len(weights_x)):
            found |= np.isnan(pixels[first_y + i + margin, first_x + j + margin])
    return found.reshape(np.shape(x))


def kernel_rounding(how, dtype):
    """Bound of a kernel's error, per unit of the largest pixel under its taps.

    `how` gives the powers and taps, `dtype` the unit roundoff u. Per axis: a weight's polynomial
    (Horner, fused or not, coefficients rounded: 2 powers + 2 roundings of sum |c s^p|), the offset
    s rounded (u times the derivative), and 1e-7 where it is fitted. Products and sums: one rounding
    per tap row, the tree of sums, the last product, scale and offset.
    """
    unit = np.finfo(dtype).eps / 2
    powers, taps = how.table.shape
    s = np.linspace(0, 1, 65) - how.shift - how.centre
    p = np.arange(powers)[:, None, None]
    size, slope = np.abs(how.table)[:, :, None] * np.abs(s) ** p, p * np.abs(how.table)[:, :, None]
    fitted = tolerance("fit") if how.name in ("lanczos3", "lanczos5", "sinc") else 0.0
    error = (unit * ((2 * powers + 2) * size.sum(0) + slope.sum(0)) + fitted).sum(0).max()
    total = (
        np.abs(np.einsum("pts,ps->ts", how.table[:, :, None] * np.ones(s.size), s ** p[:, 0]))
        .sum(0)
        .max()
    )
    return 2 * error * total + (taps + 8) * unit * total**2


def amplification(name):
    """How much larger than the pixels the values under the taps can be.

    Point reflection makes at most 3 times the peak along each axis; the spline's coefficients are
    at most 3 times the pixels along each axis (the sum of sqrt(3) 0.268**|k|).
    """
    return 81 if name == "spline3" else 9


def local_peak(source, x, y, reach=8):
    """Largest absolute value of the source within `reach` pixels of positions ``x, y``, NaN
    ignored.
    """
    peaks = ndimage.maximum_filter(np.nan_to_num(np.abs(np.asarray(source, float))), 2 * reach + 1)
    ny, nx = peaks.shape
    rows = np.clip(np.nan_to_num(np.round(y)), 0, ny - 1).astype(int)
    return peaks[rows, np.clip(np.nan_to_num(np.round(x)), 0, nx - 1).astype(int)]


# ---- stacks --------------------------------------------------------------------------------------


def columns(cube):
    """Every place of a cube with its finite values, the smallest first, and their layers."""
    for at in np.ndindex(cube.shape[1:]):
        values = cube[(slice(None), *at)]
        layers = [k for k in np.argsort(values, kind="stable") if np.isfinite(values[k])]
        yield at, values[layers], layers


def variance_of(line, value):
    """The variance of a value."""
    return line[0] + line[1] * max(value, 0.0)


def stacked_minmed(cube, lines, high, low, pair):
    """Medians, and minima where the median is too high: AstroDrizzle's minmed, place by place."""
    middle, least, above = (np.full(cube.shape[1:], np.nan) for _ in range(3))
    for at, values, layers in columns(cube):
        if not layers:
            continue
        middle[at] = np.median(values)
        least[at] = values[0]
        variance = variance_of(lines[layers[0]], values[0])
        if len(layers) == 2:
            variance += variance_of(lines[layers[1]], values[0])
            above[at] = (values[1] - values[0]) / math.sqrt(variance) * high / pair
        else:
            above[at] = (middle[at] - values[0]) / math.sqrt(variance)
    far = np.nan_to_num(above) > high
    lowered = far | (ndimage.maximum_filter(far, 3) & (np.nan_to_num(above) > low))
    return np.where(lowered, least, middle)


def stacked_clipped(cube, lines, snr):
    """Medians without what is more than `snr` sigma above them, twice."""
    out = np.full(cube.shape[1:], np.nan)
    for at, values, layers in columns(cube):
        kept = list(zip(values, layers, strict=True))
        for _ in range(3):
            if not kept:
                break
            out[at] = middle = np.median([value for value, _ in kept])
            kept = [
                (value, k)
                for value, k in kept
                if value - middle <= snr * math.sqrt(variance_of(lines[k], middle))
            ]
    return out


def without_outliers(layer, stack, line, snr, scale):
    """A layer, NaN where it is far from a stack and around such pixels: AstroDrizzle's rule."""
    wide = np.pad(stack.astype(float), 1, mode="edge")
    shape = [slice(1, -1), slice(1, -1)], [slice(0, -2), slice(2, None)]
    near = [wide[rows, shape[0][0]] for rows in shape[1]]
    near += [wide[shape[0][0], columns] for columns in shape[1]]
    steps = np.abs(np.array(near) - stack)
    step = np.where(np.isnan(steps), 0, steps).max(axis=0)
    sigma = np.sqrt(line[0] + line[1] * np.maximum(stack, 0))
    away = np.nan_to_num(np.abs(layer - stack), nan=-1)
    seed, member = (
        away > n * sigma + part * step for n, part in zip(snr, scale, strict=True)
    )
    bad = member & ndimage.maximum_filter(seed, 3, mode="constant", cval=False)
    bad = ndimage.maximum_filter(bad, 3, mode="constant", cval=False)
    return np.where(bad, np.nan, layer)
