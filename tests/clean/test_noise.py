"""How the noise of a chip's pixels grows, against what the demo's detector has."""

import numpy as np
import pytest
from astropy.io import fits

from skyblot.demo.detector import READ_NOISE


def test_it_is_that_of_the_sky_and_of_photons_whatever_cosmic_rays_and_stars_there_are(opened):
    for chip in opened.chips:
        sky, growth = chip.line[0] * chip.factor**2, chip.line[1] * chip.factor
        extension = chip.name.partition("[")[2].rstrip("]").split(",")
        header = fits.getheader(chip.where.path, (extension[0], int(extension[1])))
        # of 64000 differences the median is good to a percent in its square; photons of wings of
        # stars and galaxies, which cover most of this small sky, add a few electrons
        variance = header["MDRIZSKY"] + READ_NOISE**2
        assert 0.98 * variance < sky < 1.08 * variance
        # the errors are those of the photons: electrons
        assert growth == pytest.approx(1.0, abs=0.03)


def test_levels_are_within_the_fiftieth_of_a_sigma_of_each_other(opened):
    levels = [fits.getheader(c.where.path, ("SCI", 1 + k % 2))["MDRIZSKY"] for k, c in
              enumerate(opened.chips)]  # fmt: skip
    noise = np.sqrt(np.array(levels) + READ_NOISE**2)
    misses = (np.array([chip.sky.level for chip in opened.chips]) - levels) / noise
    # small chips: the error of one against the others is 1.25 / sqrt(64000) of a sigma, and of
    # its overlaps a few times that
    assert np.ptp(misses) < 0.04
