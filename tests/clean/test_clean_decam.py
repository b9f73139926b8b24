"""``clean`` of three real exposures of DECam: a star, galaxies, and no cosmic ray among them."""

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from scipy.ndimage import map_coordinates

from skyblot import clean_files

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "real_exposures"

pytestmark = [
    pytest.mark.skipif(not REAL.is_dir(), reason="the real exposures are not here"),
    pytest.mark.filterwarnings("ignore::skyblot.SkyblotWarning"),
]


class Run:
    """The products, and the exposures as the mosaic's header says they were used."""

    def __init__(self, folder):
        self.result = clean_files(sorted(REAL.glob("c4d*_ooi_*")), folder, save_median=True)
        with fits.open(self.result.mosaic) as hdus:
            self.header = hdus[0].header
            self.wcs = WCS(hdus["SCI"].header)
            self.planes = {name: hdus[name].data for name in ("SCI", "WHT", "ERR")}
        self.layers = []
        self.times = []
        self.bad = []
        for k in range(1, self.header["NDRIZIM"] + 1):
            data, sky, factor, mask, time = (
                self.header[f"D{k:03d}{name}"] for name in ("DATA", "SKY", "FACT", "MASK", "DEXP")
            )
            path = REAL / data.partition("[")[0]
            flags = fits.getdata(path.with_name(path.name.replace("_ooi_", "_ood_")), 1)
            self.bad.append(fits.getdata(folder / mask) == 0)
            with fits.open(path) as hdus:
                values = (hdus[1].data.astype(float) - sky) / factor
                values[(flags > 0) | self.bad[-1]] = np.nan
                self.layers.append((values, WCS(hdus[1].header)))
            self.times.append(time)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return Run(tmp_path_factory.mktemp("decam"))


def test_the_mosaic_is_the_mean_of_interpolated_exposures(run):
    """They are as large and turned as its pixels to 1e-3, where a square drop is what bilinear
    interpolation is; what differs is that part of the curvature of stars.
    """
    y, x = np.indices(run.planes["SCI"].shape)
    sky = run.wcs.all_pix2world(x.ravel(), y.ravel(), 0)
    total = np.zeros(x.shape)
    for (values, wcs), time in zip(run.layers, run.times, strict=True):
        places = np.array(wcs.all_world2pix(*sky, 0))[::-1]
        layer = map_coordinates(values, places, order=1, cval=np.nan).reshape(x.shape)
        total += time * layer
    coadd = total / np.sum(run.times)
    inside = np.isfinite(coadd) & (run.planes["WHT"] > 0.99 * np.sum(run.times))
    assert inside.sum() > 1500
    apart = (run.planes["SCI"] - coadd)[inside]
    noise = np.median(run.planes["ERR"][inside])
    assert np.std(apart) < 5e-3 * noise
    assert np.abs(apart).max() < 5e-4 * np.nanmax(coadd)
    assert np.sum(apart) == pytest.approx(0, abs=1e-4 * np.sum(coadd[inside]))


def test_hardly_a_pixel_of_a_source_is_taken(run):
    """A pixel of a source is one that is bright in the median of all exposures, too; of a cosmic
    ray it would be several times as bright.

    The last night is 11 percent clearer than the others, which one star does not tell: five of its
    pixels are taken, on 44 that are above ten sigma. Two of them are above 3.4 sigma, the others
    are members beside them.
    """
    stack = fits.getdata(run.result.median, "SCI")
    taken = []
    for (values, wcs), bad in zip(run.layers, run.bad, strict=True):
        y, x = np.indices(values.shape)
        places = np.array(run.wcs.all_world2pix(*wcs.all_pix2world(x, y, 0), 0))[::-1]
        there = map_coordinates(np.nan_to_num(stack), places, order=1)
        source = there > 10 * np.nanmedian(run.planes["ERR"])
        assert source.sum() > 40
        taken.append(int(np.sum(bad & source)))
        assert bad.sum() <= 5
    assert sorted(taken) == [0, 0, 0]
