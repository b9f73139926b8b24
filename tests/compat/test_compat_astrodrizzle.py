"""AstroDrizzle with DrizzlePac's blot and with ours, from the separate drizzle to the final one,
offline.
"""

import json
import shutil
import sys

import numpy as np
import pytest
from astropy.io import fits
from compat_data import F32, demo_files, inside, rounding, run_theirs, value_bound
from scipy import ndimage

from skyblot import blot_file

pytestmark = pytest.mark.compat

EXPOSURES, SHAPE = 3, (256, 512)


class Runs:
    """Whole runs of AstroDrizzle, each in a folder of its own, each made once."""

    def __init__(self, folder):
        self.folder, self.names = folder, {}
        for chips in (1, 2):
            self.names[chips] = demo_files(folder / f"exposures{chips}", EXPOSURES, SHAPE, chips)[1]

    def __call__(self, chips, *, ours=False, in_memory=False, exact=False):
        """Return the folder of a run."""
        folder = self.folder / f"{chips}{ours:d}{in_memory:d}{exact:d}"
        if not folder.is_dir():
            folder.mkdir()
            for name in self.names[chips]:
                shutil.copy(self.folder / f"exposures{chips}" / name, folder)
                with fits.open(folder / name, mode="update") as hdus:
                    for hdu in hdus:
                        hdu.header.pop("MDRIZSKY", None)
            options = {
                "exposures": self.names[chips],
                "ours": ours,
                "in_memory": in_memory,
                "exact": exact,
            }
            status, printed = run_theirs(folder, {"astrodrizzle": options})
            assert status == 0, printed[-4000:]
        return folder

    def chips(self, chips):
        """Names of the blots of a run."""
        roots = [name.rsplit("_", 1)[0] for name in self.names[chips]]
        return [f"{root}_sci{k + 1}_blt.fits" for root in roots for k in range(chips)]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return Runs(tmp_path_factory.mktemp("astrodrizzle"))


@pytest.mark.parametrize("chips", [1, 2])
def test_median_is_the_same(runs, chips):
    theirs, ours = runs(chips), runs(chips, ours=True)
    np.testing.assert_array_equal(np.load(theirs / "median.npy"), np.load(ours / "median.npy"))


@pytest.mark.parametrize("against", ["exact", "stepsize 10"])
@pytest.mark.parametrize("chips", [1, 2])
def test_blots_agree(runs, chips, against):
    """Their exact path differs by its float32 positions, the one they use by those of stepsize 10
    as well.
    """
    theirs, ours = runs(chips), runs(chips, ours=True)
    median = np.load(theirs / "median.npy")
    worst = {"electrons": 0.0, "of the bound": 0.0, "of the local peak": 0.0, "pixel": 0.0}
    for name in runs.chips(chips):
        facts = json.loads((theirs / f"{name}.json").read_text())
        x, y = np.load(theirs / f"{name}.map.npy")
        moved = [rounding(x), rounding(y)]
        their_blot = np.load(theirs / f"{name}.exact.npy")
        if against != "exact":
            their_blot = np.load(theirs / f"{name}.npy").astype(float)
            steps = np.load(theirs / f"{name}.map10.npy") - np.load(theirs / f"{name}.map.npy")
            moved = [rounded + np.abs(step) for rounded, step in zip(moved, steps, strict=True)]
        our_blot = np.load(ours / f"{name}.npy").astype(float)
        part = inside(median.shape, x, y)
        assert part.mean() > 0.95
        # The value's own roundings: to float32 three times, and the sky's.
        last = 4 * F32 * (np.abs(their_blot) + abs(facts["sky"]))
        bound = facts["factor"] * value_bound(median, x, y, moved) + last
        apart = np.abs(our_blot - their_blot)
        worst["electrons"] = max(worst["electrons"], apart[part].max())
        worst["of the bound"] = max(worst["of the bound"], (apart / bound)[part].max())
        worst["of the local peak"] = max(
            worst["of the local peak"], (apart / local_peak(median, x, y, facts))[part].max()
        )
        worst["pixel"] = max(worst["pixel"], np.hypot(*moved)[part].max())
    sys.stdout.write(
        f"{chips} chip(s), {against}: { {key: float(value) for key, value in worst.items()} }\n"
    )
    assert worst["of the bound"] <= 1
    assert worst["electrons"] > 0


def local_peak(median, x, y, facts):
    peaks = ndimage.maximum_filter(np.abs(median), 9)
    rows, columns = (
        np.clip(np.rint(each).astype(int), 0, n - 1)
        for each, n in zip((y, x), median.shape, strict=True)
    )
    return facts["factor"] * peaks[rows, columns]


@pytest.mark.parametrize("in_memory", [False, True])
@pytest.mark.parametrize("chips", [1, 2])
def test_cosmic_ray_masks_agree(runs, chips, in_memory):
    theirs, ours = (runs(chips, ours=flag, in_memory=in_memory) for flag in (False, True))
    flagged = differing = 0
    for name in runs.chips(chips):
        one, two = (
            np.load(folder / name.replace("_blt.fits", "_crmask.fits.npy"))
            for folder in (theirs, ours)
        )
        flagged += np.sum(one == 0)
        differing += np.sum(one != two)
    sys.stdout.write(
        f"{chips} chip(s), in_memory={in_memory}: {differing} of {flagged} flagged pixels differ\n"
    )
    assert flagged > 1000
    assert differing < 0.001 * flagged


@pytest.mark.parametrize("chips", [1, 2])
def test_in_memory_equals_on_disk(runs, chips):
    disk, memory = (runs(chips, ours=True, in_memory=flag) for flag in (False, True))
    for name in runs.chips(chips):
        np.testing.assert_array_equal(
            np.load(disk / f"{name}.npy"), np.load(memory / f"{name}.npy")
        )
        assert (disk / name).is_file()
        assert not (memory / name).exists()


def test_wcsmap_reaches_the_blot(runs):
    """``wcsmap=WCSMap`` in AstroDrizzle makes its separate drizzle exact too, hence another median,
    of course.
    """
    theirs, ours = (runs(1, ours=flag, exact=True) for flag in (False, True))
    median = np.load(theirs / "median.npy")
    np.testing.assert_array_equal(median, np.load(ours / "median.npy"))
    for name in runs.chips(1):
        facts = json.loads((theirs / f"{name}.json").read_text())
        x, y = np.load(theirs / f"{name}.map.npy")
        one, two = (np.load(folder / f"{name}.npy").astype(float) for folder in (theirs, ours))
        bound = facts["factor"] * value_bound(median, x, y, [rounding(x), rounding(y)])
        bound += 4 * F32 * (np.abs(one) + abs(facts["sky"]))
        part = inside(median.shape, x, y)
        assert (np.abs(one - two) <= bound)[part].all()


def test_headers_of_the_blots(runs):
    """What theirs says and ours says: ours has the exposure's own time, and the total elsewhere."""
    theirs, ours = runs(2), runs(2, ours=True)
    for name in runs.chips(2):
        flc = fits.getheader(ours / (name.split("_sci")[0] + "_flc.fits"))
        own, other = (fits.getheader(folder / name) for folder in (ours, theirs))
        assert own["EXPTIME"] == flc["EXPTIME"]
        assert own["TEXPTIME"] == other["TEXPTIME"] > own["EXPTIME"]
        assert own["FILENAME"] == other["FILENAME"] == name
        assert own["BUNIT"] == other["BUNIT"]
        with fits.open(ours / name) as hdus:
            assert len(hdus) == 1
            assert hdus[0].data.dtype == np.dtype(">f4")


def test_a_wcsmap_may_print(runs, tmp_path):
    """What DrizzlePac puts in the place of standard output takes text from the main thread only."""
    exact = runs(1, ours=True, exact=True)
    for name in runs.names[1]:
        shutil.copy(exact / name, tmp_path)
    options = {
        "exposures": runs.names[1],
        "ours": True,
        "in_memory": False,
        "exact": False,
        "prints": True,
    }
    status, printed = run_theirs(tmp_path, {"astrodrizzle": options})
    assert status == 0, printed[-4000:]
    for name in runs.chips(1):
        np.testing.assert_array_equal(
            np.load(tmp_path / f"{name}.npy"), np.load(exact / f"{name}.npy")
        )


def test_a_median_of_exposures_that_state_no_frame_lies_where_they_do(runs, tmp_path):
    """EQUINOX = 2000 comes into the median from their primary headers; as FK5 it would be 23 mas,
    0.6 pixel, away.

    The blot of the file is that of AstroDrizzle's step, which has both WCS from the exposures
    alone, up to a factor and the sky.
    """
    for name in runs.names[1]:
        shutil.copy(runs.folder / "exposures1" / name, tmp_path)
        with fits.open(tmp_path / name, mode="update") as hdus:
            assert hdus[0].header["EQUINOX"] == 2000
            for hdu in hdus:
                hdu.header.pop("MDRIZSKY", None)
                hdu.header.pop("RADESYS", None)
    status, printed = run_theirs(
        tmp_path,
        {
            "astrodrizzle": {
                "exposures": runs.names[1],
                "ours": True,
                "in_memory": False,
                "exact": False,
            }
        },
    )
    assert status == 0, printed[-4000:]
    (median,) = tmp_path.glob("*_med.fits")
    assert fits.getval(median, "EQUINOX") == 2000
    assert "RADESYS" not in fits.getheader(median)
    for name, step in zip(runs.names[1], runs.chips(1), strict=True):
        path = tmp_path / f"{step}.again"
        raw = {"in_units": "cps", "out_units": "cps", "addsky": False, "fill_value": np.nan}
        blot_file(median, f"{tmp_path / name}[sci,1]", path.with_suffix(".fits"), **raw)
        again, wanted = (
            fits.getdata(path.with_suffix(".fits"), "SCI"),
            np.load(tmp_path / f"{step}.npy"),
        )
        there = np.isfinite(again)
        line = np.polyfit(again[there].astype(float), wanted[there].astype(float), 1)
        left = wanted[there] - np.polyval(line, again[there].astype(float))
        assert np.abs(left).max() < 1e-5 * wanted.max()
