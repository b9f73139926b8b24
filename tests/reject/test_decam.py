"""Three real exposures of DECam, with weights and masks in files of their own."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from samples import tan_header

import skyblot
from skyblot.headers.amplifiers import electronics
from skyblot.headers.facts import Facts
from skyblot.io.images import open_image
from skyblot.io.planes import error_plane, usable_pixels

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "real_exposures"
ROOTS = {"c4d_150329_083505": "N11", "c4d_180809_002630": "N12", "c4d_180908_000426": "N10"}

pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="the real exposures are not here")


def path_of(root, letter="i", folder=REAL):
    return folder / f"{root}_oo{letter}_g_ls9.{ROOTS[root]}.fits"


@pytest.fixture(scope="module")
def visit(tmp_path_factory):
    """Copies of the exposures, and a mosaic of the three: sky taken off, scaled to one second,
    their median.
    """
    folder = tmp_path_factory.mktemp("decam")
    stack, wcs = [], None
    for root in ROOTS:
        for letter in "idw":
            shutil.copy(path_of(root, letter), folder)
        with fits.open(path_of(root)) as hdus:
            header, data = hdus[1].header, hdus[1].data.astype(float)
            exposure = WCS(header)
            if wcs is None:
                ra, dec = (float(value) for value in exposure.all_pix2world(20, 25, 0))
                wcs = WCS(tan_header((60, 60), scale=0.26, ra=ra, dec=dec))
            data = (data - np.median(data)) / hdus[0].header["EXPTIME"]
            exposure.array_shape = data.shape
            stack.append(
                skyblot.blot(
                    data, exposure, wcs, shape=(60, 60), interp="linear", fill_value=np.nan
                )
            )
    header = tan_header((60, 60), scale=0.26, ra=ra, dec=dec, BUNIT="adu/s", NCOMBINE=3)
    with np.errstate(invalid="ignore"):
        mosaic = np.where(np.isnan(stack).any(axis=0), np.nan, np.median(stack, axis=0))
    fits.PrimaryHDU(mosaic.astype("f4"), header).writeto(folder / "med.fits")
    return folder


@pytest.mark.parametrize("root", ROOTS)
def test_weights_and_masks_are_found_by_name(root):
    (about,) = skyblot.info(path_of(root))
    ccd = ROOTS[root].lower()
    assert about.planes == (
        f"{path_of(root, 'w')}[{ccd},1] (inverse variance)",
        f"{path_of(root, 'd')}[{ccd},1]",
    )
    with (
        open_image(path_of(root)) as image,
        fits.open(path_of(root, "w")) as weights,
        fits.open(path_of(root, "d")) as flags,
    ):
        np.testing.assert_allclose(
            error_plane(image), weights[1].data.astype("f4") ** -0.5, rtol=1e-6
        )
        np.testing.assert_array_equal(usable_pixels(image, 4096), flags[1].data == 0)


@pytest.mark.parametrize("root", ROOTS)
def test_the_noise_by_the_keywords_is_that_of_the_weights(root):
    """GAINA, GAINB, RDNOISEA, RDNOISEB say what the pipeline made the weights of, but for flat
    fields of 5 percent.
    """
    with fits.open(path_of(root)) as hdus, open_image(path_of(root)) as image:
        found = electronics(Facts("x", hdus[1].header, hdus[0].header))
        gain, read_noise = found.gain.mean, found.read_noise.mean
        model = np.sqrt(gain * hdus[1].data + read_noise**2) / gain
        ratio = np.median(error_plane(image) / model)
    assert found.gain.source == "GAINA, GAINB"
    assert 3.9 < gain < 4.0
    assert ratio == pytest.approx(1, abs=0.05)


def test_the_exposures_are_compared_with_their_own_errors(visit, tmp_path):
    """The spread of what is left is that of the weights; three exposures share noise with their
    median.
    """
    with pytest.warns(skyblot.SkyblotWarning) as caught:
        results = skyblot.reject_files(
            visit / "med.fits", [path_of(root, folder=visit) for root in ROOTS], tmp_path
        )
    assert not [each for each in caught if "flags" in str(each.message)]
    for result in results:
        assert 0.3 < result.noise < 1.2
        assert result.fraction < 0.02
        assert result.judged > 500
