"""Chips for the tests of reports: small, with features at known places."""

import numpy as np

from skyblot.report import ChipReport

#: (x0, x1, y0, y1) of a bright square in both images, of one in the exposure only, and of one in
#: the blot only.
COMMON, HIT, GHOST = (40, 60, 30, 50), (140, 160, 80, 100), (220, 240, 40, 60)
SHAPE = (150, 300)


def square(image, place, value):
    x0, x1, y0, y1 = place
    image[y0:y1, x0:x1] = value


def chip(name="one_flc.fits[sci,1]", *, shape=SHAPE, masked=True, seed=1, **facts):
    """A chip of noise with sigma 2 on a sky of 100, with the squares above if they fit."""
    random = np.random.default_rng(seed)
    exposure, blot = (random.normal(100, 2, shape).astype("f4") for _ in range(2))
    square(exposure, COMMON, 400)
    square(blot, COMMON, 400)
    square(exposure, HIT, 400)
    square(blot, GHOST, 400)
    residual = (exposure - blot) / np.float32(np.sqrt(8))
    mask = residual > 6 if masked else None
    return ChipReport(
        name,
        exposure,
        blot,
        residual,
        mask,
        {"exposure time [s]": 350.0, **facts},
        unit="ELECTRONS",
    )
