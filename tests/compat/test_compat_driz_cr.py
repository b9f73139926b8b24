"""Whole runs of AstroDrizzle with its own drizCR and with skyblot's rejection in its place.

Run by ``make compat``; with ``-s`` it prints what the documentation shows.
"""

import shutil
import sys

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from clean_sets import BAD, DETECTORS, make_set
from compat_data import demo_files, run_theirs
from scipy.ndimage import maximum_filter

from skyblot import SkyblotWarning, blot_file

pytestmark = [
    pytest.mark.compat,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.filterwarnings(f"ignore::{SkyblotWarning.__module__}.SkyblotWarning"),
]

CRBIT, EDGE = 4096, 24
#: What is left of hits in a mosaic is what lies so many sigma of an exposure above the truth.
LEFT = 2.0


def run(folder, exposures, *, ours, **options):
    """Run AstroDrizzle on copies of exposures; return the folder."""
    folder.mkdir(exist_ok=True)
    for path in exposures:
        if not (folder / path.name).exists():
            shutil.copy(path, folder)
    names = [path.name for path in exposures]
    options = {"resetbits": CRBIT, "skymethod": "match"} | options
    job = {"drizzle": {"exposures": names, "ours": ours, **options}}
    status, printed = run_theirs(folder, job)
    assert status == 0, printed[-4000:]
    return folder


def mask(folder, path, chip=1):
    """The bad pixels of a file of masks."""
    root = path.name.rsplit("_", 1)[0]
    return fits.getdata(folder / f"{root}_sci{chip}_crmask.fits") == 0


class Real:
    """Exposures with truth, and what AstroDrizzle makes of them with both rules."""

    def __init__(self, folder, headers, name):
        (folder / "data").mkdir()
        self.made = made = make_set(folder / "data", headers, name)
        bits = str(made.detector.good_bits)
        self.runs = {
            ours: run(folder / f"run{ours:d}", made.paths, ours=ours, final_bits=bits,
                      driz_sep_bits=bits)
            for ours in (False, True)
        }  # fmt: skip

    def score(self, ours):
        """Parts: hits above 3 and 5 sigma that are found, sky and cores that are false, and pixels
        with a hit of 5 sigma of which the mosaic still has some.
        """
        made = self.made
        found, there = np.zeros(5), np.zeros(5)
        (mosaic,) = self.runs[ours].glob("final_dr?.fits")
        for path, hits, noise in zip(made.paths, made.cosmic, made.noise, strict=True):
            bad = mask(self.runs[ours], path)
            good, core = self.places(path)
            clean = good & (hits < 0.1 * noise)
            strong = good & (hits > 5 * noise)
            groups = [
                good & (hits > 3 * noise),
                strong,
                clean & ~maximum_filter(core, 19),
                clean & core,
            ]
            found[:4] += [np.count_nonzero(bad & group) for group in groups]
            blot = self.blot(mosaic, path)
            left = np.abs(blot - np.median(blot[clean]) - self.above(noise, clean)) > LEFT * noise
            groups.append(strong & ~core)
            found[4] += np.count_nonzero(left & groups[4])
            there += [np.count_nonzero(group) for group in groups]
        return dict(zip(("found3", "found5", "sky", "cores", "left"), found / there, strict=True))

    def places(self, path):
        """Pixels to look at, and cores of stars, 3 x 3 pixels each."""
        with fits.open(path) as hdus:
            good = (hdus["DQ", 1].data & BAD) == 0
            wcs = WCS(hdus["SCI", 1].header, hdus)
        core = np.zeros(good.shape, bool)
        x, y = np.rint(wcs.all_world2pix(*self.made.positions, 0)).astype(int)
        inside = (x >= 0) & (y >= 0) & (x < good.shape[1]) & (y < good.shape[0])
        core[y[inside], x[inside]] = True
        good[:EDGE] = good[-EDGE:] = good[:, :EDGE] = good[:, -EDGE:] = False
        return good, maximum_filter(core, 3)

    @staticmethod
    def above(noise, clean):
        """The truth above its sky, in electrons, which its noise tells."""
        return noise**2 - np.median(noise[clean] ** 2)

    def blot(self, mosaic, path):
        """A mosaic on the pixels of an exposure, in its electrons."""
        out = mosaic.parent / "again.fits"
        how = {"in_units": "cps", "out_units": "counts", "addsky": False, "fill_value": 0.0}
        blot_file(mosaic, f"{path}[sci,1]", out, overwrite=True, **how)
        return fits.getdata(out, "SCI").astype(float)


@pytest.fixture(scope="module", params=DETECTORS)
def real(request, tmp_path_factory, real_headers):
    return Real(tmp_path_factory.mktemp(request.param), real_headers, request.param)


def test_masks_and_mosaics_are_better(real):
    theirs, ours = real.score(False), real.score(True)
    for name, row in (("drizCR", theirs), ("skyblot", ours)):
        text = ", ".join(f"{key} {value:.2e}" for key, value in row.items())
        sys.stdout.write(f"\n{real.made.detector.header}, {name}: {text}")
    assert ours["found3"] > max(theirs["found3"], 0.95)
    assert ours["found5"] > max(theirs["found5"], 0.99)
    assert ours["sky"] < 1e-3
    assert ours["cores"] < 5e-3
    assert ours["left"] < theirs["left"]


def test_flags_are_set_where_masks_have_them(real):
    for ours, folder in real.runs.items():
        for path in real.made.paths:
            with fits.open(folder / path.name) as after, fits.open(path) as before:
                bad = mask(folder, path)
                wanted = before["DQ", 1].data | np.where(bad, CRBIT, 0).astype(np.int16)
                np.testing.assert_array_equal(after["DQ", 1].data, wanted, err_msg=str(ours))
                np.testing.assert_array_equal(after["SCI", 1].data, before["SCI", 1].data)


# Ways to run it, on exposures of two chips.


@pytest.fixture(scope="module")
def chips(tmp_path_factory):
    """Exposures of two chips, and a plain run with ours."""
    folder = tmp_path_factory.mktemp("chips")
    _, names = demo_files(folder / "data", 3, (256, 512))
    paths = [folder / "data" / name for name in names]
    for path in paths:
        with fits.open(path, mode="update") as hdus:
            for hdu in hdus:
                hdu.header.pop("MDRIZSKY", None)
    return paths, run(folder / "plain", paths, ours=True), folder


def flags(folder, path):
    with fits.open(folder / path.name) as hdus:
        return [hdus["DQ", chip].data & CRBIT > 0 for chip in (1, 2)]


WAYS = {
    "memory": {"in_memory": True},
    "cores": {"num_cores": 2},
    "any": {"num_cores": None},
    "clean": {"driz_cr_corr": True},
}


@pytest.mark.parametrize("way", WAYS)
def test_however_it_is_run_the_flags_are_the_same(chips, way):
    paths, plain, folder = chips
    options = WAYS[way]
    again = run(folder / way, paths, ours=True, **options)
    for path in paths:
        for chip, (one, two) in enumerate(zip(flags(plain, path), flags(again, path), strict=True)):
            assert 100 < one.sum() < 0.1 * one.size
            np.testing.assert_array_equal(one, two)
            if not options.get("in_memory"):
                np.testing.assert_array_equal(mask(again, path, chip + 1), one)
    clean = sorted(again.glob("*_crclean.fits"))
    assert len(clean) == (len(paths) if "driz_cr_corr" in options else 0)
    for path, copy in zip(paths, clean, strict=False):
        with fits.open(copy) as hdus, fits.open(path) as before:
            for chip, one in enumerate(flags(plain, path), 1):
                bad = one | (before["DQ", chip].data != 0)
                np.testing.assert_array_equal(hdus["DQ", chip].data > 0, bad)
                same = hdus["SCI", chip].data == before["SCI", chip].data
                assert same[~bad].all()
                assert not same[one].any()


def test_a_second_run_in_the_same_folder_gives_the_same(chips):
    paths, plain, folder = chips
    again = run(folder / "again", paths, ours=True)
    before = [mask(again, path, chip) for path in paths for chip in (1, 2)]
    run(again, paths, ours=True)
    for path in paths:
        for chip, one in enumerate(flags(plain, path), 1):
            np.testing.assert_array_equal(mask(again, path, chip), one)
    after = [mask(again, path, chip) for path in paths for chip in (1, 2)]
    np.testing.assert_array_equal(before, after)


def test_thresholds_of_the_user_count(chips):
    paths, plain, folder = chips
    strict = run(folder / "strict", paths, ours=True, driz_cr_snr="9.0 7.0")
    for path in paths:
        for one, two in zip(flags(plain, path), flags(strict, path), strict=True):
            assert two.sum() < 0.9 * one.sum()
