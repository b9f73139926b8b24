"""Where the weights of a mosaic are 0 it is not covered: blots have the fill value there, and taps
bleed nothing.
"""

import numpy as np
import pytest
from astropy.io import fits
from samples import RAW, tan_header, texture, write_sci

import skyblot
from skyblot import SkyblotWarning, ablot, blot_file
from skyblot.errors import FileError
from skyblot.io.coverage import weight_files

SHAPE = (60, 80)
GAP = np.zeros(SHAPE, bool)
GAP[:, 50:] = True
GAP[20, 15] = True
#: Pixels of the blot, which is 10 pixels smaller on each side.
INNER = np.s_[10:50, 10:70]


def pixels(*, gap=0.0):
    return np.where(GAP, gap, texture(SHAPE)).astype("f4")


def hdu(data, name, ver=1):
    return fits.ImageHDU(data, tan_header(SHAPE), name=name, ver=ver)


def extension(name, dtype):
    """A mosaic with weights in an extension."""

    def make(folder):
        data = (~GAP).astype(dtype)
        fits.HDUList([fits.PrimaryHDU(), hdu(pixels(), "SCI"), hdu(data, name)]).writeto(
            folder / "m.fits"
        )
        return folder / "m.fits"

    return make


def contexts(folder):
    """AstroDrizzle's, of 32 exposures: the last bit makes a number negative."""
    bits = np.where(GAP, 0, np.int32(-(2**31)))
    fits.HDUList([fits.PrimaryHDU(), hdu(pixels(), "SCI"), hdu(bits, "CTX")]).writeto(
        folder / "m.fits"
    )
    return folder / "m.fits"


def beside(mosaic, weights):
    """A mosaic with weights in a file of its own."""

    def make(folder):
        fits.PrimaryHDU(pixels(), tan_header(SHAPE)).writeto(folder / mosaic)
        fits.PrimaryHDU(np.where(GAP, 0, 3.5).astype("f4"), tan_header(SHAPE)).writeto(
            folder / weights
        )
        return folder / mosaic

    return make


def versions(folder):
    """Two mosaics in a file, the second without weight where the first has some."""
    images = [hdu(pixels(), "SCI", 1), hdu((~GAP).astype("f4"), "WHT", 1)]
    images += [hdu(pixels(), "SCI", 2), hdu(GAP.astype("f4"), "WHT", 2)]
    fits.HDUList([fits.PrimaryHDU(), *images]).writeto(folder / "m.fits")
    return f"{folder}/m.fits[sci,1]"


def nan(folder):
    """JWST's: NaN where the weight is 0."""
    weights = hdu(np.where(GAP, np.nan, 2).astype("f4"), "WHT")
    fits.HDUList([fits.PrimaryHDU(), hdu(pixels(gap=np.nan), "SCI"), weights]).writeto(
        folder / "m_i2d.fits"
    )
    return folder / "m_i2d.fits"


def compressed(folder):
    weights = fits.CompImageHDU(
        (~GAP).astype("f4"), tan_header(SHAPE), name="WHT", compression_type="GZIP_2"
    )
    fits.HDUList([fits.PrimaryHDU(), hdu(pixels(), "SCI"), weights]).writeto(folder / "m.fits")
    return folder / "m.fits"


FORMS = {
    "WHT": extension("WHT", "f4"),
    "WHT of whole numbers": extension("WHT", "u1"),
    "CTX": contexts,
    "NaN": nan,
    "versions": versions,
    "tiles": compressed,
    "AstroDrizzle": beside("a_drz_sci.fits", "a_drz_wht.fits"),
    "archive": beside("a_drz.fits", "a_wht.fits"),
    "SWarp": beside("coadd.fits", "coadd.weight.fits"),
}


@pytest.fixture
def reference(tmp_path):
    """An exposure on the mosaic's own pixels."""
    data = np.zeros((40, 60), "f4")
    return write_sci(
        tmp_path / "x_flt.fits", data, tan_header((40, 60), MDRIZSKY=0.0), {"EXPTIME": 1.0}
    )


def touched(taps):
    """Pixels of the blot whose taps touch the gap: on a shared grid the taps from -(n-1)//2 to
    n//2.
    """
    from scipy.ndimage import maximum_filter

    if taps == 1:
        return GAP[INNER]
    offset = -1 if taps % 2 == 0 else 0  # a filter of even size reaches back, the taps forward
    return maximum_filter(GAP, size=taps, origin=offset)[INNER]


@pytest.mark.parametrize(
    ("interp", "taps"), [("nearest", 1), ("linear", 2), ("poly3", 4), ("poly5", 6)]
)
@pytest.mark.parametrize("form", FORMS)
def test_the_fill_value_is_where_taps_meet_what_is_not_covered(
    form, interp, taps, reference, tmp_path
):
    how = {"interp": interp, "fill_value": -7, **RAW}
    made = fits.getdata(blot_file(FORMS[form](tmp_path), reference, tmp_path / "b.fits", **how), 1)
    assert (made[GAP[INNER]] == -7).all()
    gone = made == -7
    assert not (gone & ~touched(taps)).any()
    np.testing.assert_array_equal(made[~gone], pixels()[INNER][~gone])


def test_pixels_without_weight_change_no_other(reference, tmp_path):
    """With garbage in them, the blot is the same, bit for bit."""
    made = []
    for value in (0.0, 1e30):
        path = tmp_path / f"{value}.fits"
        weights = hdu((~GAP).astype("f4"), "WHT")
        fits.HDUList([fits.PrimaryHDU(), hdu(pixels(gap=value), "SCI"), weights]).writeto(path)
        made.append(
            fits.getdata(
                blot_file(path, reference, tmp_path / f"{value}_b.fits", fill_value="nan", **RAW), 1
            )
        )
    np.testing.assert_array_equal(*made)
    assert np.isnan(made[0]).any()
    assert np.isfinite(made[0]).mean() > 0.5


@pytest.mark.parametrize(
    ("form", "name"), [("WHT", "WHT"), ("CTX", "CTX"), ("SWarp", "{}/coadd.weight.fits")]
)
def test_info_tells_of_weights(form, name, tmp_path):
    path = FORMS[form](tmp_path)
    with fits.open(path, mode="update") as hdus:
        hdus[0].header["NCOMBINE"] = 4
    (about,) = skyblot.info(path)
    assert (about.kind, about.weights) == ("mosaic", name.format(tmp_path))


def test_how_much_is_covered_counts_weights(reference, tmp_path):
    path = blot_file(
        FORMS["WHT"](tmp_path), reference, tmp_path / "b.fits", interp="nearest", **RAW
    )
    assert fits.getval(path, "BLOTCOVR", 1) == pytest.approx(1 - GAP[INNER].mean(), abs=1e-6)


def test_the_ablot_task_takes_weights_too(reference, tmp_path):
    how = {"interp": "nearest", "in_units": "cps", "out_units": "cps", "addsky": False}
    ablot.blot(
        data=str(FORMS["WHT"](tmp_path)),
        reference=str(reference),
        outdata=str(tmp_path / "b.fits"),
        **how,
    )
    assert (fits.getdata(tmp_path / "b.fits", 1)[GAP[INNER]] == 0).all()


def test_weights_of_another_shape_are_not_used_and_that_is_said(reference, tmp_path):
    fits.PrimaryHDU(pixels(), tan_header(SHAPE)).writeto(tmp_path / "a_sci.fits")
    fits.PrimaryHDU(np.zeros((5, 6), "f4")).writeto(tmp_path / "a_wht.fits")
    message = (
        r"a_sci.fits\[0\]: .*a_wht.fits\[0\] beside it has shape \(5, 6\), not \(60, 80\): it is "
        r"not used"
    )
    with pytest.warns(SkyblotWarning, match=message):
        blot_file(tmp_path / "a_sci.fits", reference, tmp_path / "b.fits", **RAW)


def test_labels_keep_their_values(reference, tmp_path):
    labels = np.where(GAP, 9, 3).astype("i4")
    fits.HDUList([fits.PrimaryHDU(), hdu(labels, "SCI"), hdu((~GAP).astype("f4"), "WHT")]).writeto(
        tmp_path / "m.fits"
    )
    made = blot_file(tmp_path / "m.fits", reference, tmp_path / "b.fits", interp="nearest")
    np.testing.assert_array_equal(fits.getdata(made, 1), labels[INNER])


def test_files_of_weights_are_inputs(reference, tmp_path):
    path = FORMS["AstroDrizzle"](tmp_path)
    assert weight_files(path) == [tmp_path / "a_drz_wht.fits"]
    with pytest.raises(FileError, match=r"a_drz_wht.fits: is an input file"):
        blot_file(path, reference, tmp_path / "a_drz_wht.fits", overwrite=True)
