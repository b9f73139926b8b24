"""The level of each block of an image, pulled by neither stars nor cosmic rays."""

import numpy as np
from numba import njit

from .compiling import kernel

#: Pixels of a block that say where its middle is and how wide its noise, to begin with.
SAMPLE = 128
#: Pixels within so many standard deviations count, ...
CLIP = 3.0
#: ... which is that many of what is left of a normal distribution then.
CLIPPED_WIDTH = 1.01361
#: The mean distance from the median within the middle eight tenths of a normal distribution, in
#: standard deviations.
MIDDLE_TENTHS = 0.55862
ROUNDS = 12


@njit(nogil=True)
def _first_guess(values, count, sample):
    """Median and standard deviation, from some of the values; whole numbers have a width too."""
    step = (count + len(sample) - 1) // len(sample)
    few = 0
    for k in range(0, count, step):
        sample[few] = values[k]
        few += 1
    part = sample[:few]
    part.sort()
    middle = 0.5 * (part[(few - 1) // 2] + part[few // 2])
    low = few // 10
    total = 0.0
    for k in range(low, few - low):
        total += abs(part[k] - middle)
    return middle, total / (few - 2 * low) / MIDDLE_TENTHS


@njit(nogil=True, inline="always")
def _near(away, reach):
    return 1.0 if abs(away) <= reach else 0.0


@njit(nogil=True)
def _moments(values, middle, reach):
    """Number, sum and sum of squares of the values within `reach`, from the middle."""
    number0 = number1 = 0.0  # two sums at a time are faster than one
    first0 = first1 = 0.0
    second0 = second1 = 0.0
    for k in range(0, len(values) - 1, 2):
        away0 = values[k] - middle
        away1 = values[k + 1] - middle
        near0 = _near(away0, reach)
        near1 = _near(away1, reach)
        number0 += near0
        number1 += near1
        first0 += near0 * away0
        first1 += near1 * away1
        second0 += near0 * away0 * away0
        second1 += near1 * away1 * away1
    if len(values) % 2:
        away0 = values[-1] - middle
        near0 = _near(away0, reach)
        number0 += near0
        first0 += near0 * away0
        second0 += near0 * away0 * away0
    return number0 + number1, first0 + first1, second0 + second1


@njit(nogil=True)
def _next_beyond(values, middle, reach):
    """The smallest distance of a value that is farther than `reach`; infinite if there is none."""
    nearest = np.inf
    for k in range(len(values)):
        away = abs(values[k] - middle)
        if reach < away < nearest:
            nearest = away
    return nearest


@njit(nogil=True)
def _clipped_mean(values, sample):
    """Mean within three standard deviations of itself, and its error."""
    middle, width = _first_guess(values, len(values), sample)
    reach = CLIP * width
    before = 0.0
    widened = False
    for _ in range(ROUNDS):
        count, first, second = _moments(values, middle, reach)
        if count == 0.0:  # differences too small to be squared
            break
        mean = first / count
        width = CLIPPED_WIDTH * np.sqrt(max(second / count - mean * mean, 0.0))
        if width == 0.0 and count < len(values) and not widened:
            # Whole numbers, most of them the same: those next to them count once.
            reach = 1.001 * _next_beyond(values, middle, reach)
            widened = True
            continue
        middle += mean
        reach = CLIP * width
        if count == before:
            break
        before = count
    return middle, width / np.sqrt(max(before, 1.0))


@kernel
def block_means(data, good, block, fewest, values, errors):
    """Fill `values` and `errors` (rows, columns) with clipped means of blocks and their errors.

    `data` and `good` (bool) begin with the first block, of ``block x block`` pixels. Pixels that
    are not finite are not good. NaN where fewer than `fewest` are.
    """
    pixels = np.empty(block * block)
    sample = np.empty(SAMPLE)
    for j in range(values.shape[0]):
        for i in range(values.shape[1]):
            count = 0
            for y in range(j * block, (j + 1) * block):
                for x in range(i * block, (i + 1) * block):
                    value = data[y, x]
                    pixels[count] = value
                    count += good[y, x] and np.isfinite(value)
            if count < max(fewest, 1):
                values[j, i] = np.nan
                errors[j, i] = np.nan
            else:
                values[j, i], errors[j, i] = _clipped_mean(pixels[:count], sample)
