"""Small files for the tests of files and of the command line: images with known headers, and what
is in them.
"""

import errno
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from scipy.ndimage import map_coordinates

CHIP_SHAPE = (96, 160)
RA, DEC, SCALE = 53.1, -27.8, 0.05  # degrees, degrees, arcsec
RAW = {"in_units": "cps", "out_units": "cps", "addsky": False}  # only the area ratio is applied
CHIPS = pytest.mark.parametrize("chip", [1, 2])


def tan_header(shape=(40, 50), *, scale=SCALE, ra=RA, dec=DEC, **cards):
    """Header cards of a north-up TAN image of `shape` (ny, nx) that has (ra, dec) at its centre."""
    ny, nx = shape
    header = fits.Header(
        {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CUNIT1": "deg", "CUNIT2": "deg"}
    )
    header.update({"CRVAL1": ra, "CRVAL2": dec, "CRPIX1": (nx + 1) / 2, "CRPIX2": (ny + 1) / 2})
    header.update(
        {
            "CD1_1": -scale / 3600,
            "CD1_2": 0.0,
            "CD2_1": 0.0,
            "CD2_2": scale / 3600,
            "RADESYS": "ICRS",
        }
    )
    header.update(cards)
    return header


def write_sci(path, data, header=None, primary=None):
    """Write primary header and SCI extension, as HST's files have them; return the path."""
    header = tan_header(data.shape) if header is None else header
    image = fits.ImageHDU(data, header, name="SCI", ver=1)
    fits.HDUList([fits.PrimaryHDU(header=fits.Header(primary or {})), image]).writeto(path)
    return Path(path)


def rewrite(path, new_path, change):
    """Write a copy of a FITS file after ``change(hdus)``; return its path."""
    with fits.open(path) as hdus:
        change(hdus)
        hdus.writeto(new_path)
    return Path(new_path)


def texture(shape, dtype="f4"):
    """A smooth image without symmetry, values 1 to 9."""
    y, x = np.indices(shape)
    return (5 + 2 * np.sin(x / 7 + 0.3) + 2 * np.cos(y / 5 - x / 23)).astype(dtype)


def linear_blot(data, source_wcs, target_wcs, shape):
    """Bilinear interpolation at the coordinates of ``astropy.wcs``: what a blot inside the source
    must be.
    """
    y, x = np.indices(shape)
    sky = target_wcs.all_pix2world(x.ravel(), y.ravel(), 0)
    sx, sy = source_wcs.wcs_world2pix(*sky, 0)
    assert sx.min() > 0
    assert sy.min() > 0
    assert sx.max() < data.shape[1] - 1
    assert sy.max() < data.shape[0] - 1
    return map_coordinates(data.astype(float), [sy, sx], order=1).reshape(shape)


def read_wcs(path, extension=("SCI", 1)):
    """The WCS of an extension, with the look-up tables of its file."""
    with fits.open(path) as hdus:
        wcs = WCS(hdus[extension].header, hdus)
        wcs.array_shape = hdus[extension].shape
        return wcs


def world(wcs, shape):
    """Sky coordinates of every pixel, distortion included."""
    y, x = np.indices(shape)
    return np.array(wcs.all_pix2world(x.ravel(), y.ravel(), 0))


def digests(folder):
    """Name and hash of everything in a folder."""
    return {
        each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in Path(folder).iterdir()
    }


def no_space(*_, **__):
    """In place of a function that writes: the disk is full."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def tasks_of(references, folder, **how):
    """The images of exposures, each with the file that its blot goes to."""
    from skyblot.runs.work import Work
    from skyblot.steps.blot import Blot

    return list(Work.of("mosaic.fits", references, folder, Blot(**how)).tasks)


def blots_watched(source, references, folder, watch, **how):
    """Blot files, and call something with each result as it comes; return all results, and all
    failures.
    """
    from contextlib import closing

    import skyblot

    results, failures = [], []
    with closing(skyblot.run(skyblot.plan_blots(source, references, folder, **how))) as outcomes:
        for outcome in outcomes:
            if isinstance(outcome, skyblot.Failure):
                failures.append(outcome)
            else:
                results.append(outcome)
                watch(outcome)
    return results, failures
