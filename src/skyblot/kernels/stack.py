"""Many images of the same pixels to one: robust stacks, and what prepares an exposure for them.

Images are layers of a cube (n, rows, nx), NaN where one has no pixel. The variance of a value v of
layer k is ``lines[k, 0] + lines[k, 1] max(v, 0)``.
"""

import numpy as np

from .compiling import kernel

#: Good pixels within so many fill one that is not good.
FILLED = 3


@kernel
def fill_bad(data, good, out):
    """Fill `out` with the data, and with means of good pixels near those that are not good.

    Neighbours within one pixel count, else within two, up to `FILLED`; else it is NaN.
    """
    ny, nx = data.shape
    for y in range(ny):
        for x in range(nx):
            value = data[y, x]
            if good[y, x]:
                out[y, x] = value
                continue
            out[y, x] = np.nan
            for reach in range(1, FILLED + 1):
                total = 0.0
                count = 0
                for j in range(max(y - reach, 0), min(y + reach + 1, ny)):
                    for i in range(max(x - reach, 0), min(x + reach + 1, nx)):
                        if good[j, i]:
                            total += data[j, i]
                            count += 1
                if count > 0:
                    out[y, x] = total / count
                    break


@kernel
def touched(xmap, ymap, shape, out):
    """Fill `out` with the lowest and highest y and x, of positions on an image; whether any is."""
    ny, nx = shape
    low_x = nx - 0.5
    low_y = ny - 0.5
    high_x = -0.5
    high_y = -0.5
    some = False
    for j in range(xmap.shape[0]):
        for i in range(xmap.shape[1]):
            x = xmap[j, i]
            y = ymap[j, i]
            if x > -0.5 and x < nx - 0.5 and y > -0.5 and y < ny - 0.5:
                some = True
                low_x = min(low_x, x)
                high_x = max(high_x, x)
                low_y = min(low_y, y)
                high_y = max(high_y, y)
    out[0] = low_y
    out[1] = high_y
    out[2] = low_x
    out[3] = high_x
    return some


@kernel
def settle(pixels, good, origin, xmap, ymap, slack, out):
    """Mend what an interpolation has left in `out`: no value where the nearest pixel is not good.

    A sharp interpolant swings below its pixels beside a cosmic ray, and a minimum of several
    images would choose that: values are kept from falling by more than `slack` below the lowest
    of the four pixels around. In means of undersampled stars it halves what is taken for cosmic
    rays beside them, though it makes these stars brighter by some percent.
    """
    ny, nx = pixels.shape
    for j in range(out.shape[0]):
        for i in range(out.shape[1]):
            x = xmap[j, i] - origin[1]
            y = ymap[j, i] - origin[0]
            if not (x > -1.0 and y > -1.0 and x < nx and y < ny):
                out[j, i] = np.nan
                continue
            x0 = min(max(int(np.floor(x)), 0), nx - 1)
            y0 = min(max(int(np.floor(y)), 0), ny - 1)
            x1 = min(x0 + 1, nx - 1)
            y1 = min(y0 + 1, ny - 1)
            near_x = x1 if x - x0 >= 0.5 else x0
            near_y = y1 if y - y0 >= 0.5 else y0
            if not good[near_y, near_x]:
                out[j, i] = np.nan
                continue
            lowest = min(min(pixels[y0, x0], pixels[y0, x1]), min(pixels[y1, x0], pixels[y1, x1]))
            if out[j, i] < lowest - slack:
                out[j, i] = lowest - slack


@kernel
def _sorted(values, count):
    """Sort the first `count` values; few at most, so by insertion."""
    for k in range(1, count):
        value = values[k]
        place = k
        while place > 0 and values[place - 1] > value:
            values[place] = values[place - 1]
            place -= 1
        values[place] = value


@kernel
def _select(values, count, rank):
    """Return the value of a rank of the first `count`, which are put in another order (Hoare)."""
    low = 0
    high = count - 1
    while low < high:
        pivot = values[(low + high) >> 1]
        i = low
        j = high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                swap = values[i]
                values[i] = values[j]
                values[j] = swap
                i += 1
                j -= 1
        if rank <= j:
            high = j
        elif rank >= i:
            low = i
        else:
            break
    return values[rank]


@kernel
def _median(values, count):
    """Return the median of the first `count` values, of an even number the middle of two."""
    upper = _select(values, count, count // 2)
    if count % 2:
        return upper
    lower = values[0]
    for k in range(1, count // 2):
        lower = max(lower, values[k])
    return 0.5 * (lower + upper)


@kernel
def minmed(cube, lines, high, low, pair, out, counts):
    """Fill `out` with medians of layers, and with minima where a median is too high above one.

    Cosmic rays in half of the layers make a median wrong, and a minimum is then the better value.
    It is taken where the median is above it by more than `high` sigma, and by more than `low`
    beside such a pixel (AstroDrizzle's "minmed"); of two layers, where the higher is above the
    lower by more than `pair` sigma of their difference.

    Parameters
    ----------
    cube : float32 array, shape (n, rows, nx)
    lines : float64 array, shape (n, 2)
    high, low, pair : float
    out : float32 array, shape (rows, nx)
        NaN where no layer has a pixel.
    counts : int array, shape (rows, nx)
        How many layers have one.
    """
    n, rows, nx = cube.shape
    middle = np.empty((rows, nx), np.float32)
    least = np.empty((rows, nx), np.float32)
    above = np.zeros((rows, nx), np.float32)
    values = np.empty(n, np.float32)
    for y in range(rows):
        for x in range(nx):
            count = 0
            lowest = 0
            other = 0
            for k in range(n):
                value = cube[k, y, x]
                if value == value:
                    if count == 0 or value < cube[lowest, y, x]:
                        other = lowest
                        lowest = k
                    else:
                        other = k
                    values[count] = value
                    count += 1
            counts[y, x] = count
            if count == 0:
                middle[y, x] = np.nan
                least[y, x] = np.nan
                continue
            _sorted(values, count)
            half = count // 2
            value = (
                values[half] if count % 2 else np.float32(0.5) * (values[half - 1] + values[half])
            )
            bottom = values[0]
            middle[y, x] = value
            least[y, x] = bottom
            variance = lines[lowest, 0] + lines[lowest, 1] * max(bottom, 0.0)
            if count == 2:  # the middle is half of a difference, which both make noisy
                variance += lines[other, 0] + lines[other, 1] * max(bottom, 0.0)
                above[y, x] = 2.0 * (value - bottom) * high / (pair * np.sqrt(variance))
            else:
                above[y, x] = (value - bottom) / np.sqrt(variance)
    for y in range(rows):
        for x in range(nx):
            lowered = above[y, x] > high
            if not lowered and above[y, x] > low:
                for near_y in range(max(y - 1, 0), min(y + 2, rows)):
                    for near_x in range(max(x - 1, 0), min(x + 2, nx)):
                        lowered |= above[near_y, near_x] > high
            out[y, x] = least[y, x] if lowered else middle[y, x]


@kernel
def clipped_median(cube, lines, snr, out, counts):
    """Fill `out` with medians of layers without those values that are far above a first median.

    Twice, values above the median by more than `snr` sigma are dropped. Arguments are those of
    `minmed`.
    """
    n, rows, nx = cube.shape
    values = np.empty(n, np.float32)
    for y in range(rows):
        for x in range(nx):
            count = 0
            for k in range(n):
                value = cube[k, y, x]
                if value == value:
                    values[count] = value
                    count += 1
            counts[y, x] = count
            if count == 0:
                out[y, x] = np.nan
                continue
            middle = _median(values, count)
            for _ in range(2):
                kept = 0
                for k in range(n):
                    value = cube[k, y, x]
                    if value == value:
                        variance = lines[k, 0] + lines[k, 1] * max(middle, 0.0)
                        if value - middle <= snr * np.sqrt(variance):
                            values[kept] = value
                            kept += 1
                if kept == count or kept == 0:
                    break
                count = kept
                middle = _median(values, count)
            out[y, x] = middle


@kernel
def clear_outliers(layer, stack, line, snr, scale, out):
    """Fill `out` with a layer, NaN where it is far from a stack, and beside such pixels.

    A pixel is far from it if it differs by more than ``snr[1]`` sigma and ``scale[1]`` times the
    largest difference of the stack to a neighbour, and one of the 3 x 3 around it by more than
    ``snr[0]`` and ``scale[0]``: AstroDrizzle's rule.

    Parameters
    ----------
    layer, stack : float32 array, shape (ny, nx)
    line : (float, float)
        Variance of the layer's pixels.
    snr, scale : (float, float)
    out : float32 array, shape (ny, nx)
        Values near the edges, within three pixels, are those of a layer without more beyond.
    """
    ny, nx = layer.shape
    levels = np.zeros((ny, nx), np.uint8)
    least = snr[1] * snr[1]
    for y in range(ny):
        for x in range(nx):
            out[y, x] = layer[y, x]
            value = stack[y, x]
            away = layer[y, x] - value
            variance = line[0] + line[1] * max(value, 0.0)
            levels[y, x] = away * away > least * variance  # false for NaN
    for y in range(ny):
        below = max(y - 1, 0)
        above = min(y + 1, ny - 1)
        for x in range(nx):
            if levels[y, x] == 0:
                continue
            value = stack[y, x]
            away = abs(layer[y, x] - value)
            sigma = np.sqrt(line[0] + line[1] * max(value, 0.0))
            left = stack[y, max(x - 1, 0)]
            right = stack[y, min(x + 1, nx - 1)]
            step = 0.0
            for near in (left, right, stack[below, x], stack[above, x]):
                if abs(near - value) > step:
                    step = abs(near - value)
            levels[y, x] = (away > snr[1] * sigma + scale[1] * step) + 2 * (
                away > snr[0] * sigma + scale[0] * step
            )
    for y in range(ny):
        for x in range(nx):
            if levels[y, x] & 1 == 0:
                continue
            seeded = False
            for near_y in range(max(y - 1, 0), min(y + 2, ny)):
                for near_x in range(max(x - 1, 0), min(x + 2, nx)):
                    seeded |= (levels[near_y, near_x] & 2) > 0
            if seeded:
                for near_y in range(max(y - 1, 0), min(y + 2, ny)):
                    for near_x in range(max(x - 1, 0), min(x + 2, nx)):
                        out[near_y, near_x] = np.nan
