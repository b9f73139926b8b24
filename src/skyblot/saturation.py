"""Saturated stars and what bleeds from them, where no flags mark them. Arrays only."""

import numpy as np

#: What is this part of saturation, and joined to a saturated pixel, is what bled from it.
_NEAR = 0.8
#: Where the blot expects this part of saturation there is a star; else it is a cosmic ray that
#: saturates.
_STAR = 0.2
#: More of an image than this is not saturated: the level is wrong.
MOST = 0.01


def is_level(data: np.ndarray, level: float) -> bool:
    """Whether so few pixels are above a level that it can be that of saturation."""
    return bool(np.count_nonzero(data >= level) <= MOST * data.size)


def saturated(data: np.ndarray, expected: np.ndarray, level: float) -> np.ndarray:
    """Return which pixels of stars are saturated, or next to such.

    Parameters
    ----------
    data : ndarray, shape (ny, nx)
        The exposure.
    expected : ndarray, shape (ny, nx)
        What it should be; NaN where nobody knows.
    level : float
        Where pixels saturate.

    Returns
    -------
    ndarray of bool
        Pixels from 0.8 of the level on that are joined to one above it, of columns and rows along
        which charge bled for example, where some of them is expected to be bright; and their
        neighbours.

    Examples
    --------
    >>> star, hit = np.zeros((5, 9)), np.zeros((5, 9))
    >>> star[:, 2], hit[2, 7] = 90.0, 100.0
    >>> star[2, 2] = 100.0
    >>> saturated(star + hit, star / 2, 100.0).sum(axis=0)
    array([0, 5, 5, 5, 0, 0, 0, 0, 0])
    """
    if not np.any(data >= level):
        return np.zeros(data.shape, bool)
    from scipy import ndimage

    around = np.ones((3, 3), bool)
    labels, count = ndimage.label(data >= _NEAR * level, around)
    bright = ~(expected < _STAR * level)
    stars = np.zeros(count + 1, bool)
    stars[np.intersect1d(labels[data >= level], labels[bright])] = True
    stars[0] = False
    return ndimage.binary_dilation(stars[labels], around)
