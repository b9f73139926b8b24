"""The methods that are compared: each gives the masks of all exposures of a survey, True where a
pixel is bad.
"""

import shutil
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from survey import DEC, GAIN, RA, READ_NOISE, SATURATION, SCALE, SIZE, Survey

import skyblot

SWARP = shutil.which("SWarp") or shutil.which("swarp")
Method = Callable[[Survey], list[np.ndarray]]
_LOG = "clipped.log"


def coadd(survey: Survey, kind: str) -> Path:
    """Run SWarp; return the coadd's path. Its clipped pixels are in a log beside it."""
    path = survey.folder / f"coadd_{kind.lower()}.fits"
    if path.exists():
        return path
    options = {
        "IMAGEOUT_NAME": path.name,
        "WEIGHTOUT_NAME": f"{path.stem}.weight.fits",
        "COMBINE_TYPE": kind,
        "CLIP_WRITELOG": "Y",
        "CLIP_LOGNAME": _LOG,
        "CENTER_TYPE": "MANUAL",
        "CENTER": f"{RA},{DEC}",
        "PIXELSCALE_TYPE": "MANUAL",
        "PIXEL_SCALE": SCALE,
        "IMAGE_SIZE": SIZE + 80,
        "BACK_SIZE": 64,
        "VERBOSE_TYPE": "QUIET",
        "WRITE_XML": "N",
    }
    words = [word for key, value in options.items() for word in (f"-{key}", str(value))]
    names = [each.path.name for each in survey.exposures]
    subprocess.run([str(SWARP), *names, *words], cwd=survey.folder, check=True, capture_output=True)
    return path


def _rejected(survey: Survey, **criteria: object) -> list[np.ndarray]:
    folder = survey.folder / str(criteria.get("rule", "skyblot"))
    folder.mkdir()
    paths = [each.path for each in survey.exposures]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", skyblot.SkyblotWarning)
        results = skyblot.reject_files(coadd(survey, "MEDIAN"), paths, folder, criteria=criteria)
    return [fits.getdata(each.path) == 0 for each in results]


def ours(survey: Survey) -> list[np.ndarray]:
    """skyblot's own rule with its defaults, on SWarp's median."""
    return _rejected(survey)


def plain(survey: Survey) -> list[np.ndarray]:
    """The rule of drizCR with its defaults, on the same blots; the sky is measured for it."""
    return _rejected(survey, rule="plain")


def clipped(survey: Survey) -> list[np.ndarray]:
    """What SWarp clips with its defaults: exposure, x and y in the coadd, by its log."""
    path = coadd(survey, "CLIPPED")
    header = fits.getheader(path)
    shape, log = (header["NAXIS2"], header["NAXIS1"]), survey.folder / _LOG
    number, x, y = np.loadtxt(log, usecols=(0, 1, 2), dtype=int, unpack=True, ndmin=2)
    masks = []
    for k, each in enumerate(survey.exposures):
        bad = np.zeros(shape, bool)
        bad[y[number == k] - 1, x[number == k] - 1] = True
        places = skyblot.pixel_map(
            WCS(fits.getheader(each.path)), WCS(header), shape=each.data.shape
        )
        column, row = (np.rint(each).astype(int) for each in places)
        inside = (column >= 0) & (column < shape[1]) & (row >= 0) & (row < shape[0])
        masks.append(inside & bad[row.clip(0, shape[0] - 1), column.clip(0, shape[1] - 1)])
    return masks


def lacosmic(survey: Survey) -> list[np.ndarray]:
    """L.A.Cosmic by astroscrappy with its defaults: it sees one exposure alone, and knows its
    noise.
    """
    import astroscrappy

    known = {"gain": GAIN, "readnoise": READ_NOISE, "satlevel": SATURATION}
    return [astroscrappy.detect_cosmics(each.data, **known)[0] for each in survey.exposures]


def lacosmic_with_psf(survey: Survey) -> list[np.ndarray]:
    """The same, told how wide stars are."""
    import astroscrappy

    known = {"gain": GAIN, "readnoise": READ_NOISE, "satlevel": SATURATION, "fsmode": "convolve"}
    return [
        astroscrappy.detect_cosmics(each.data, psffwhm=each.seeing / SCALE, psfsize=11, **known)[0]
        for each in survey.exposures
    ]


def methods() -> tuple[dict[str, Method], list[str]]:
    """Return the methods that are there, and what is not there."""
    found: dict[str, Method] = {}
    missing = []
    if SWARP is None:
        missing.append("SWarp")
    else:
        found |= {"skyblot reject": ours, "plain rule (drizCR)": plain, "SWarp CLIPPED": clipped}
    try:
        import astroscrappy  # noqa: F401
    except ImportError:
        return found, [*missing, "astroscrappy"]
    return found | {"astroscrappy": lacosmic, "astroscrappy, PSF given": lacosmic_with_psf}, missing
