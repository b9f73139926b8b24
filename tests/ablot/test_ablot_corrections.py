"""What DrizzlePac's stand-alone task was seen to do wrong."""

import os
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from task_data import F32, flat_pair, pixels_of, read_wcs, run_blot, tangent, wcs_cards

from skyblot import ablot
from skyblot.errors import DataError, SkyblotError, SkyblotWarning


def test_exposure_is_applied_once(tmp_path):
    """Theirs: 80000, EXPTIME of the data times that of the reference; expout=50: 40000."""
    out = tmp_path / "o.fits"
    ablot.blot(*flat_pair(tmp_path), out)
    np.testing.assert_allclose(pixels_of(out), 200, rtol=4 * F32)
    ablot.blot(*flat_pair(tmp_path), out, expout=50)
    np.testing.assert_allclose(pixels_of(out), 100, rtol=4 * F32)


@pytest.mark.parametrize(("skies", "sky"), [((7.0, 3.0), 3.0), ((None, 3.0), 3.0)])
def test_sky_is_that_of_the_exposure(tmp_path, skies, sky):
    """Theirs: that of the data."""
    out = tmp_path / "o.fits"
    ablot.blot(*flat_pair(tmp_path, skies=skies), out, out_units="cps")
    np.testing.assert_allclose(pixels_of(out), 2 + sky, rtol=4 * F32)


@pytest.mark.parametrize("sky_of_data", [None, 7.0])
def test_no_sky_is_a_warning(tmp_path, sky_of_data):
    """Theirs: KeyError, or the sky of the data, a median."""
    out = tmp_path / "o.fits"
    names = flat_pair(tmp_path, skies=(sky_of_data, None))
    with pytest.warns(SkyblotWarning, match=r"ref\.fits\[sci,1\]: no sky value MDRIZSKY"):
        ablot.blot(*names, out, out_units="cps")
    np.testing.assert_allclose(pixels_of(out), 2, rtol=4 * F32)
    ablot.blot(*names, out, out_units="cps", addsky=False)


@pytest.mark.parametrize("in_units", ["cps", "counts"])
@pytest.mark.parametrize("dtype", [">f8", ">i2", ">i4", "u1", ">u2", ">f4"])
def test_every_type_of_pixel(tmp_path, dtype, in_units):
    """Theirs: float64 ends the process (segmentation fault), integers fail."""
    out = tmp_path / "o.fits"
    ablot.blot(
        *flat_pair(tmp_path, data=np.full((60, 60), 2, dtype)),
        out,
        in_units=in_units,
        out_units="cps",
    )
    np.testing.assert_allclose(pixels_of(out), 2 if in_units == "cps" else 0.005, rtol=4 * F32)


@pytest.mark.parametrize("value", [None, 0.0, -5.0, "soon"])
@pytest.mark.parametrize("which", ["data", "reference"])
def test_bad_exposure_time(tmp_path, value, which):
    """Theirs: SystemError, zeros or NaN, also where no exposure time is needed."""
    out = tmp_path / "o.fits"
    names = flat_pair(tmp_path, exptimes=(value, 100.0) if which == "data" else (400.0, value))
    units = {"in_units": "counts", "out_units": "cps"} if which == "data" else {}
    match = f"{'flat' if which == 'data' else 'ref'}.fits.*" + (
        "no exposure time" if value is None else "EXPTIME = "
    )
    with pytest.raises(DataError, match=match):
        ablot.blot(*names, out, **units)
    assert not out.exists()
    ablot.blot(*names, out, out_units="cps")
    np.testing.assert_allclose(pixels_of(out), 2, rtol=4 * F32)


def test_bad_expkey(tmp_path):
    with pytest.raises(
        DataError, match=r"ref\.fits\[sci,1\]: no exposure time, its headers have no NOSUCH"
    ):
        ablot.blot(*flat_pair(tmp_path), tmp_path / "o.fits", expkey="nosuch")


def test_exposure_time_from_drizexpt(tmp_path):
    data, reference = flat_pair(tmp_path, exptimes=(None, 100.0))
    fits.setval(tmp_path / "flat.fits", "DRIZEXPT", value=400.0, ext=0)
    ablot.blot(data, reference, tmp_path / "o.fits", in_units="counts", out_units="cps")
    np.testing.assert_allclose(pixels_of(tmp_path / "o.fits"), 0.005, rtol=4 * F32)


def test_extension_absent(tmp_path):
    """Theirs: TypeErrors about NoneType."""
    data, reference = (name.partition("[")[0] for name in flat_pair(tmp_path))
    ablot.blot(data, reference, tmp_path / "o.fits")
    np.testing.assert_allclose(pixels_of(tmp_path / "o.fits"), 200, rtol=4 * F32)


@pytest.mark.parametrize(
    ("data", "reference", "message"),
    [
        ("[sci,9]", "[sci,1]", r"flat\.fits: no extension \[sci,9\], it has \[0\], \[sci,1\]"),
        ("[sci,1]", "[sci,9]", r"ref\.fits: no extension \[sci,9\]"),
        ("[7]", "[1]", r"flat\.fits: no extension \[7\]"),
        ("[1]", "[7]", r"ref\.fits: no extension \[7\]"),
        ("[0]", "[1]", r"flat\.fits\[0\]: it has no pixels"),
        ("[1]", "[sci,x]", r"ref\.fits\[sci,x\]: .* is not an extension"),
    ],
)
def test_extension_wrong(tmp_path, data, reference, message):
    names = [name.partition("[")[0] for name in flat_pair(tmp_path)]
    with pytest.raises(SkyblotError, match=message):
        ablot.blot(names[0] + data, names[1] + reference, tmp_path / "o.fits")
    assert not (tmp_path / "o.fits").exists()


def test_output_header(pair):
    """Theirs: CTYPE without -SIP, CPDIS cards without tables (unreadable), FILENAME and EXTVER of
    another file.
    """
    run_blot(pair)
    with fits.open("o.fits") as hdus:
        assert hdus[0].header["FILENAME"] == "o.fits"
        assert hdus[0].header["NEXTEND"] == len(hdus) - 1
        assert (hdus[1].header["EXTNAME"], hdus[1].header.get("EXTVER", 1)) == ("SCI", 1)
        assert hdus[1].header["CTYPE1"] == "RA---TAN-SIP"
        assert hdus[1].header["BUNIT"] == "ELECTRONS"
        hdus.verify("exception")
    written, reference = read_wcs("o.fits[sci,1]"), pair.target_wcs()
    for name in ("sip", "cpdis1", "cpdis2", "det2im1", "det2im2"):
        assert getattr(written, name) is not None
    x, y = np.meshgrid(np.linspace(0, 159, 11), np.linspace(0, 95, 9))
    there, here = (wcs.all_pix2world(x, y, 0) for wcs in (reference, written))
    np.testing.assert_array_equal(here, there)


def test_output_header_of_the_second_chip(pair):
    """The first extension of the blot has version 1, and the second chip's distortion tables."""
    reference = pair.reference.replace("sci,1", "sci,2")
    ablot.blot(pair.data, reference, "o.fits")
    x, y = np.meshgrid(np.linspace(0, 159, 11), np.linspace(0, 95, 9))
    written, wanted = read_wcs("o.fits[sci,1]"), read_wcs(reference)
    np.testing.assert_array_equal(written.all_pix2world(x, y, 0), wanted.all_pix2world(x, y, 0))


def test_reference_need_not_be_hst(tmp_path):
    """Theirs: KeyError INSTRUME, after all the work. A simple FITS file will do."""
    data, _ = flat_pair(tmp_path)
    header = fits.Header({**wcs_cards(tangent((40, 40))), "EXPTIME": 100.0, "MDRIZSKY": 1.0})
    fits.PrimaryHDU(np.zeros((40, 40), np.float32), header).writeto(tmp_path / "simple.fits")
    ablot.blot(data, tmp_path / "simple.fits", tmp_path / "o.fits")
    np.testing.assert_allclose(pixels_of(tmp_path / "o.fits"), 201, rtol=4 * F32)


def test_uncovered_pixels_hold_the_sky(tmp_path):
    """As theirs do."""
    data, reference = flat_pair(tmp_path, data=np.full((20, 20), 2, np.float32), skies=(None, 5.0))
    ablot.blot(data, reference, tmp_path / "o.fits", out_units="cps", stepsize=1)
    wanted = np.full((40, 40), 5.0)
    wanted[10:30, 10:30] = 7
    np.testing.assert_allclose(pixels_of(tmp_path / "o.fits"), wanted, rtol=4 * F32)


def test_a_failure_leaves_the_old_output(pair):
    Path("o.fits").write_text("old")
    with pytest.raises(SkyblotError):
        run_blot(pair, expkey="nosuch")
    assert Path("o.fits").read_text() == "old"
    assert not [name for name in os.listdir() if "tmp" in name]
