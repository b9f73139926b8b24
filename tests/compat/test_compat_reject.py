"""The plain rule against DrizzlePac's drizCR and stcal's outlier detection, on the same exposure
and blot.

Where they differ, and why:

* drizCR takes pixels beyond the edge for 0, so that along an edge D is the blot itself, and hides
  cosmic rays there;
* its ``driz_cr_grow = n`` is a square of n x n pixels, off centre where n is even; ours is a
  radius;
* it adds the sky that AstroDrizzle subtracted to a blot that has it already: ``Noise(sky=...)``
  does the same;
* stcal takes an error of NaN for 0, so that the pixel is judged by D alone; ours leaves it out;
* stcal takes a NaN of the blot for no outlier, as ours does, and its neighbours' D for the rest of
  theirs.
"""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from skyblot import Noise, reject

pytestmark = pytest.mark.compat

READ_NOISE, GAIN, SKY = 3.1, 1.0, 40.0
INSIDE = (slice(3, -3), slice(3, -3))
F32 = float(np.finfo(np.float32).eps)


@pytest.fixture(scope="module")
def drizcr():
    return pytest.importorskip("drizzlepac.drizCR")


@pytest.fixture(scope="module")
def stcal():
    return pytest.importorskip("stcal.outlier_detection.utils")


def images(seed=0, shape=(90, 110)):
    """An exposure with cosmic rays, and its blot: stars on a sky."""
    rng = np.random.default_rng(seed)
    points = np.zeros(shape)
    points[rng.integers(0, shape[0], 60), rng.integers(0, shape[1], 60)] = rng.uniform(
        500, 50000, 60
    )
    blot = ndimage.gaussian_filter(points, 1.2) + SKY
    exposure = rng.poisson(blot) + READ_NOISE * rng.standard_normal(shape)
    hit = rng.random(shape) < 0.04
    exposure[hit] += rng.exponential(60, hit.sum())
    return exposure.astype("f4"), blot.astype("f4")


class Theirs:
    """What drizCR asks of an exposure, around two arrays."""

    scienceExt, _numchips, inmemory, _filename = "SCI", 1, True, "memory"

    def __init__(self, exposure, blot, sky, cte_dir):
        self._exposure, names = exposure, {"blotImage": "blot", "crmaskImage": "crmask"}
        self._chip = SimpleNamespace(
            group_member=True, outputNames=names, _conversionFactor=1.0, _effGain=GAIN,
            _rdnoise=READ_NOISE, subtractedSky=sky, cte_dir=cte_dir, dq_extn="DQ,1",
        )  # fmt: skip
        self.virtualOutputs = {"blot": [SimpleNamespace(data=blot.copy())]}

    def __getitem__(self, key):
        return self._chip

    def getData(self, key):
        return self._exposure.copy()

    def buildMask(self, chip, bits):
        return np.ones(self._exposure.shape, np.uint8)

    def saveVirtualOutputs(self, made):
        self.mask = made["crmask"][0].data == 0


def their_mask(
    drizcr, exposure, blot, *, snr="3.5 3.0", scale="1.2 0.7", grow=1, ctegrow=0, sky=0.0, cte_dir=0
):
    image = Theirs(exposure, blot, sky, cte_dir)
    names = {
        "driz_cr_snr": snr,
        "driz_cr_scale": scale,
        "driz_cr_grow": grow,
        "driz_cr_ctegrow": ctegrow,
    }
    drizcr._driz_cr(
        image,
        image.virtualOutputs,
        {**names, "crbit": 4096, "inmemory": True, "driz_cr_corr": False},
    )
    return image.mask


def our_mask(exposure, blot, sky=0.0, **more):
    return reject(
        exposure, blot, Noise(GAIN, READ_NOISE, sky), rule="plain", background=0.0, **more
    ).mask


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("snr", "scale"), [((3.5, 3.0), (1.2, 0.7)), ((5.0, 4.0), (3.0, 2.4))])
def test_equals_drizcr_inside(drizcr, seed, snr, scale):
    exposure, blot = images(seed)
    theirs = their_mask(
        drizcr, exposure, blot, snr="{} {}".format(*snr), scale="{} {}".format(*scale)
    )
    # rounding to float32 decides nothing: thresholds a few roundings apart give the same mask
    ours = [
        our_mask(exposure, blot, snr=tuple(each * factor for each in snr), scale=scale)
        for factor in (1 - 100 * F32, 1, 1 + 100 * F32)
    ]
    assert 100 < theirs.sum() < 1000
    assert np.array_equal(ours[0], ours[2])
    np.testing.assert_array_equal(ours[1][INSIDE], theirs[INSIDE])


def test_drizcr_misses_cosmic_rays_along_the_edges(drizcr):
    blot = np.full((20, 30), 400, "f4")
    exposure = blot.copy()
    places = [(0, 10), (10, 0), (19, 10), (10, 29), (10, 15)]
    for place in places:
        exposure[place] += 200
    theirs, ours = their_mask(drizcr, exposure, blot), our_mask(exposure, blot)
    assert [tuple(each) for each in np.argwhere(ours)] == sorted(places)
    assert [tuple(each) for each in np.argwhere(theirs)] == [(10, 15)]


def test_drizcr_grows_off_centre(drizcr):
    blot = np.full((20, 20), 100, "f4")
    exposure = blot.copy()
    exposure[10, 10] += 500
    theirs = np.argwhere(their_mask(drizcr, exposure, blot, grow=2))
    ours = np.argwhere(our_mask(exposure, blot, grow=1))
    assert len(theirs) == 4
    assert np.abs(theirs.mean(axis=0) - 10).tolist() == [0.5, 0.5]
    assert ours.mean(axis=0).tolist() == [10, 10]


def test_drizcr_grows_as_ours_where_its_square_is_centred(drizcr):
    exposure, blot = images(5)
    theirs = their_mask(drizcr, exposure, blot, grow=3)
    np.testing.assert_array_equal(
        our_mask(exposure, blot, grow=1.5)[6:-6, 6:-6], theirs[6:-6, 6:-6]
    )


@pytest.mark.parametrize("cte_dir", [1, -1])
def test_tails_of_charge_are_those_of_drizcr(drizcr, cte_dir):
    exposure, blot = images(6)
    theirs = their_mask(drizcr, exposure, blot, ctegrow=5, cte_dir=cte_dir)
    ours = our_mask(exposure, blot, cte_tail=5, cte_direction=-cte_dir)
    assert ours.sum() > 2 * our_mask(exposure, blot).sum()
    np.testing.assert_array_equal(ours[9:-9, 9:-9], theirs[9:-9, 9:-9])


def test_drizcr_adds_the_sky_to_a_blot_that_has_it(drizcr):
    exposure, blot = images(7)
    theirs = their_mask(drizcr, exposure, blot, sky=SKY)
    np.testing.assert_array_equal(our_mask(exposure, blot, sky=SKY)[INSIDE], theirs[INSIDE])
    assert our_mask(exposure, blot).sum() > theirs.sum()


@pytest.mark.parametrize("seed", range(3))
def test_equals_stcal_everywhere(stcal, seed):
    exposure, blot = images(seed)
    sigma = np.sqrt(np.maximum(exposure, 0) + READ_NOISE**2).astype("f4")
    theirs = stcal.flag_resampled_crs(exposure, sigma, blot, 5.0, 4.0, 1.2, 0.7, 2.0)
    ours = reject(exposure, blot, sigma, rule="plain", snr=(5.0, 4.0), background=2.0).mask
    assert 50 < theirs.sum() < 1000
    np.testing.assert_array_equal(ours, theirs)


def test_stcal_judges_a_pixel_without_an_error_by_its_neighbours(stcal):
    exposure, blot = np.zeros((9, 9), "f4"), np.zeros((9, 9), "f4")
    exposure[4, 4], sigma = 1.0, np.full((9, 9), 3.0, "f4")
    sigma[4, 4] = np.nan
    assert stcal.flag_resampled_crs(exposure, sigma, blot, 5.0, 4.0, 1.2, 0.7, 0.0)[4, 4]
    assert not reject(exposure, blot, sigma, rule="plain").mask.any()


def test_a_hole_of_the_blot_is_no_outlier_for_either(stcal):
    exposure, blot = images(8)
    blot[40:45, 50:55] = np.nan
    sigma = np.full(blot.shape, 8.0, "f4")
    theirs = stcal.flag_resampled_crs(exposure, sigma, blot, 5.0, 4.0, 1.2, 0.7, 0.0)
    ours = reject(exposure, blot, sigma, rule="plain", snr=(5.0, 4.0), background=0.0).mask
    assert not theirs[40:45, 50:55].any()
    np.testing.assert_array_equal(ours, theirs)
