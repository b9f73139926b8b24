"""Small exposures, and mosaics of them that are to be written."""

from contextlib import ExitStack, contextmanager

import numpy as np
from astropy.io import fits
from builders import tangent
from samples import tan_header

from skyblot.io.images import list_images, open_image
from skyblot.io.new_mosaic import Drizzle, Input, NewMosaic

SHAPE = (24, 30)
#: Half a million seconds: no time is rounded.
DAY = 59000.0
HST = {"TELESCOP": "HST", "INSTRUME": "WFC3", "DETECTOR": "UVIS", "TARGNAME": "NGC-1"}
DRIZZLE = Drizzle("square", 0.8, "exptime", 1.4)


def write_exposure(path, primary=(), science=(), chips=1):
    """An exposure of some chips with what its headers say; a keyword with None is left out."""
    head = {**HST, "EXPTIME": 100.0, **dict(primary)}
    hdus = [fits.PrimaryHDU(header=fits.Header({k: v for k, v in head.items() if v is not None}))]
    for chip in range(chips):
        header = tan_header(SHAPE, BUNIT="ELECTRONS")
        for keyword, value in dict(science).items():
            header[keyword] = value[chip] if isinstance(value, list) else value
        hdus.append(fits.ImageHDU(np.ones(SHAPE, "f4"), header, name="SCI", ver=chip + 1))
    fits.HDUList(hdus).writeto(path)
    return path


def write_exposures(folder, cards, science=(), label="flt", chips=1):
    """An exposure for each mapping of primary cards, begun one after the other."""
    paths = []
    for number, primary in enumerate(cards):
        own = science[number] if science else {}
        begun = {"EXPSTART": DAY + number}
        path = folder / f"x{number}_{label}.fits"
        paths.append(write_exposure(path, {**begun, **primary}, own, chips))
    return paths


@contextmanager
def inputs_of(paths, **facts):
    """What goes into a mosaic: each image of each file, open."""
    with ExitStack() as stack:
        inputs = []
        for number, path in enumerate(paths):
            for where in list_images(path):
                image = stack.enter_context(open_image(where))
                exptime = image.facts.find("EXPTIME") or image.facts.find("EFFEXPTM")
                inputs.append(Input(image, number, exptime, weight=1.0, scale=0.036, **facts))
        yield inputs


def planes(exposures=1):
    """Pixels, weights and context: every exposure counts everywhere but in the first row."""
    rng = np.random.default_rng(3)
    data = rng.normal(size=SHAPE).astype("f4")
    data[0] = np.nan
    weights = np.full(SHAPE, 100.0 * exposures, "f4")
    weights[0] = 0
    context = np.zeros(((exposures + 31) // 32, *SHAPE), "u4")
    for exposure in range(exposures):
        context[exposure // 32, 1:] |= np.uint32(1 << exposure % 32)
    return data, weights, context


def new_mosaic(path, inputs, **changes):
    """A mosaic of inputs with all that it can have, drizzled."""
    data, weights, context = planes(len({each.exposure for each in inputs}))
    facts = {
        "bunit": "ELECTRONS/S",
        "drizzle": DRIZZLE,
        "context": context,
        "errors": np.full(SHAPE, 0.1, "f4"),
        "wcs": tangent(shape=SHAPE),
    }
    return NewMosaic(path, data=data, weights=weights, inputs=inputs, **{**facts, **changes})
