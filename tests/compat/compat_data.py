"""What both comparisons with DrizzlePac need: data it accepts, a process to run it in, and bounds
of its rounding.
"""

import atexit
import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from astropy.io import fits
from scipy import ndimage

from skyblot.demo import make_demo

F32 = float(np.finfo(np.float32).eps)
#: What DrizzlePac wants of a WFC3/UVIS exposure besides what the demo has.
_MORE_CARDS = {"NGOODPIX": 1, "MEANDARK": 6.0}
_TAPS = {"linear": (0, 1), "poly3": (-1, 2), "poly5": (-2, 3)}


def demo_files(folder, exposures, chip_shape, chips=2):
    """Write the demo's data, as DrizzlePac accepts them; return the names of the median and of the
    exposures.
    """
    made = make_demo(folder, exposures=exposures, chip_shape=chip_shape)
    for path in made.exposures:
        with fits.open(path) as hdus:
            kept = [
                hdu
                for hdu in hdus
                if chips == 2 or hdu.name not in ("SCI", "ERR", "DQ") or hdu.ver == 1
            ]
            for hdu in kept:
                if hdu.name in ("SCI", "ERR", "DQ"):
                    hdu.header.update(_MORE_CARDS)
            kept[0].header["NEXTEND"] = len(kept) - 1
            copy = fits.HDUList([hdu.copy() for hdu in kept])
        copy.writeto(path, overwrite=True)
    return made.median.name, [path.name for path in made.exposures]


@functools.cache
def _theirs():
    """The process that has DrizzlePac imported; it ends with this one."""
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("theirs.py"))],
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(process.communicate)
    return process


def run_theirs(folder, job):
    """Do a job in `folder` with ``theirs.py``; whatever comes of it, return the exit code and what
    was printed.
    """
    folder = Path(folder)
    (folder / "job.json").write_text(json.dumps(job))
    process = _theirs()
    process.stdin.write(f"{folder}\n")
    process.stdin.flush()
    return int(process.stdout.readline()), (folder / "printed.txt").read_text()


def weights(interp, s):
    """Lagrange's weights (taps, n) at fractions s, and their derivatives."""
    first, last = _TAPS[interp]
    nodes = np.arange(first, last + 1)
    value, slope = [], []
    for j in nodes:
        others = nodes[nodes != j]
        poly = np.poly1d(others, r=True) / np.prod(j - others)
        value.append(poly(s))
        slope.append(poly.deriv()(s))
    return np.array(value), np.array(slope)


def value_bound(source, x, y, moved, interp="poly5"):
    """How far two blots (before scaling) may differ whose positions differ by `moved` = (dx, dy)
    pixels.

    By the mean value theorem ``|dB| <= |dx| max|dB/dx| + |dy| max|dB/dy|``. The derivative's
    weights sum to zero, so ``|dB/dx| <= D L range / 2``, with D the largest sum of their absolute
    values, L that of the weights, and the range that of the pixels under the taps (one more on each
    side: the positions may fall to either side of a pixel). Arithmetic in float32 adds less than
    one unit roundoff per operation, 2 taps**2 of them, times the largest value under the taps times
    L**2.
    """
    s = np.linspace(0, 1, 257)
    value, slope = (np.abs(each).sum(axis=0).max() for each in weights(interp, s))
    taps = len(weights(interp, s)[0]) + 2
    rows, columns = (
        np.clip(np.rint(each).astype(int), 0, n - 1)
        for each, n in zip((y, x), source.shape, strict=True)
    )
    # An even window around the nearest pixel: one more on each side again.
    high, low = (
        f(source.astype(float), taps + 1)[rows, columns]
        for f in (ndimage.maximum_filter, ndimage.minimum_filter)
    )
    arithmetic = 2 * taps**2 * (F32 / 2) * value**2 * np.maximum(abs(high), abs(low))
    return (abs(moved[0]) + abs(moved[1])) * slope * value * (high - low) / 2 + arithmetic


def rounding(positions):
    """Half an ulp of float32: what DrizzlePac's source positions (counted from 1 or from 0) are
    rounded by.
    """
    return np.spacing(np.abs(positions).astype(np.float32) + 1) / 2


def inside(shape, x, y, margin=4):
    """Where the taps are all on the source: what lies beyond the edges is for each to choose."""
    ny, nx = shape
    return (x > margin) & (x < nx - 1 - margin) & (y > margin) & (y < ny - 1 - margin)
