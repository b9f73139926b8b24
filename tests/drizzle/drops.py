"""What `drizzle` should do, slowly and obviously: polygons are clipped to cells one by one.

And the exposures of these tests: small ones, under affine and bent maps.
"""

import math

import numpy as np

from skyblot.resampling.drizzle import Exposure


def area(polygon):
    """Signed area of a polygon, counted from its first corner."""
    x0, y0 = polygon[0]
    shifted = [(x - x0, y - y0) for x, y in polygon]
    pairs = zip(shifted, shifted[1:] + shifted[:1], strict=True)
    return 0.5 * math.fsum(xa * yb - xb * ya for (xa, ya), (xb, yb) in pairs)


def clip(polygon, axis, limit, sign):
    """A polygon where ``sign * (coordinate - limit) >= 0`` (Sutherland & Hodgman 1974)."""
    kept = []
    for here, after in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        inside = sign * (here[axis] - limit)
        then = sign * (after[axis] - limit)
        if inside >= 0:
            kept.append(here)
        if inside * then < 0:
            t = inside / (inside - then)
            crossing = [a + t * (b - a) for a, b in zip(here, after, strict=True)]
            crossing[axis] = limit
            kept.append(tuple(crossing))
    return kept


def overlap(polygon, row, column):
    """Area that a polygon has in common with a cell, counted from the cell's middle."""
    polygon = [(x - column, y - row) for x, y in polygon]
    for axis in (0, 1):
        for limit, sign in ((-0.5, 1), (0.5, -1)):
            polygon = clip(polygon, axis, limit, sign)
            if len(polygon) < 3:
                return 0.0
    return abs(area(polygon))


def quadrilateral(exposure, i, j, pixfrac):
    """A pixel's drop: where its bilinear map puts the corners of the pixel shrunk by `pixfrac`."""
    corners = [(i, j), (i, j + 1), (i + 1, j + 1), (i + 1, j)]
    given = [(exposure.x[at], exposure.y[at]) for at in corners]
    if pixfrac == 1:
        return given
    low, high = 0.5 - pixfrac / 2, 0.5 + pixfrac / 2
    drop = []
    for u, v in ((low, low), (high, low), (high, high), (low, high)):
        shares = ((1 - u) * (1 - v), u * (1 - v), u * v, (1 - u) * v)
        drop.append(
            tuple(sum(s * c[axis] for s, c in zip(shares, given, strict=True)) for axis in (0, 1))
        )
    return drop


def drop_slowly(exposure, shape, pixfrac=1.0):
    """Sums of weight, weighted value and squared weight times variance; and what is touched."""
    total, flux, noise = np.zeros((3, *shape))
    for i, j in np.ndindex(exposure.data.shape):
        drop = quadrilateral(exposure, i, j, pixfrac)
        whole = abs(area(drop))
        x, y = np.array(drop).T
        for row in range(max(round(y.min()) - 1, 0), min(round(y.max()) + 2, shape[0])):
            for column in range(max(round(x.min()) - 1, 0), min(round(x.max()) + 2, shape[1])):
                part = exposure.weight[i, j] * overlap(drop, row, column) / whole
                total[row, column] += part
                flux[row, column] += part * exposure.data[i, j]
                if exposure.variances:
                    noise[row, column] += part**2 * exposure.variances[0][i, j]
    return total, flux, noise


def affine(size, degrees=0.0, scale=1.0, middle=(20.0, 20.0), flip=False):
    """Corners (x, y) of the pixels of a (ny, nx) exposure that is turned, scaled and mirrored."""
    y, x = np.indices((size[0] + 1, size[1] + 1)) - np.array(size).reshape(2, 1, 1) / 2
    x = -x if flip else x
    c = scale * math.cos(math.radians(degrees))
    s = scale * math.sin(math.radians(degrees))
    return middle[1] + c * x - s * y, middle[0] + s * x + c * y


def bent(size, seed, amount=0.12, **how):
    """The same, and every corner displaced at random by up to `amount` pixels along each axis."""
    rng = np.random.default_rng(seed)
    scale = how.get("scale", 1.0)
    return [
        corner + scale * rng.uniform(-amount, amount, corner.shape)
        for corner in affine(size, **how)
    ]


def exposure(corners, seed=0, dtype=np.float64, variances=0):
    """Random values and weights at corners."""
    rng = np.random.default_rng(seed)
    shape = np.subtract(corners[0].shape, 1)
    images = [rng.uniform(50, 150, shape), *rng.uniform(0.5, 2, (1 + variances, *shape))]
    data, weight, *more = (image.astype(dtype) for image in images)
    return Exposure(data, weight, *corners, more)
