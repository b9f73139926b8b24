"""``--errors``: the errors of the mosaic in the blot's ERR extension."""

import numpy as np
import pytest
from astropy.io import fits
from samples import read_wcs, rewrite, tan_header, texture, write_sci

import skyblot
from skyblot import blot_file, blot_files
from skyblot.errors import DataError

SHAPE = (60, 70)
ERRORS = (0.1 + 0.01 * texture(SHAPE)).astype("f4")
CARDS = {"BUNIT": "counts/s", "MDRIZSKY": 0.0}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A mosaic with errors, and an exposure on a part of it."""
    folder = tmp_path_factory.mktemp("errors")
    source = write_sci(folder / "plain.fits", texture(SHAPE), tan_header(SHAPE, **CARDS))
    source = rewrite(
        source,
        folder / "med.fits",
        lambda hdus: hdus.append(fits.ImageHDU(ERRORS, name="ERR", ver=1)),
    )
    header = tan_header((20, 24), scale=0.06, BUNIT="counts", MDRIZSKY=0.0, EXPTIME=100.0)
    return source, write_sci(folder / "one_flt.fits", np.zeros((20, 24), "f4"), header)


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("interp", ["nearest", "poly5", "spline3"])
def test_errors_are_the_roots_of_variances_by_squared_weights(files, tmp_path, interp, compress):
    path = blot_file(*files, tmp_path / "b.fits", interp=interp, errors=True, compress=compress)
    source, target = read_wcs(files[0]), read_wcs(files[1])
    # 100 s of 1.2**2 times the area
    how = {"interp": interp, "scale": 144.0, "variance": ERRORS.astype(float) ** 2}
    data, variance = skyblot.blot(texture(SHAPE), source, target, **how)
    np.testing.assert_allclose(fits.getdata(path, "SCI"), data, rtol=1e-6)
    np.testing.assert_allclose(fits.getdata(path, "ERR"), np.sqrt(variance), rtol=1e-6)
    with fits.open(path) as hdus:
        assert [hdu.name for hdu in hdus[1:]] == ["SCI", "ERR"]
        assert hdus[0].header["NEXTEND"] == 2
        assert hdus["ERR"].header["BUNIT"] == "counts"
        assert hdus["SCI"].header["BLOTERR"] is True
        assert hdus["ERR"].header["BITPIX"] == -32


def test_the_blot_itself_does_not_depend_on_it(files, tmp_path):
    with_errors = blot_file(*files, tmp_path / "a.fits", errors=True)
    without = blot_file(*files, tmp_path / "b.fits")
    np.testing.assert_array_equal(fits.getdata(with_errors, "SCI"), fits.getdata(without, "SCI"))
    with fits.open(without) as hdus:
        assert "ERR" not in hdus
        assert "BLOTERR" not in hdus["SCI"].header


def test_errors_where_the_mosaic_does_not_cover_are_nan(files, tmp_path):
    header = tan_header((100, 100), BUNIT="counts", MDRIZSKY=0.0, EXPTIME=100.0)
    large = write_sci(tmp_path / "large_flt.fits", np.zeros((100, 100), "f4"), header)
    path = blot_file(files[0], large, tmp_path / "b.fits", errors=True, fill_value=np.nan)
    np.testing.assert_array_equal(
        np.isnan(fits.getdata(path, "ERR")), np.isnan(fits.getdata(path, "SCI"))
    )


def test_many_and_resumed(files, tmp_path):
    results = blot_files(files[0], [files[1]], tmp_path, errors=True)
    assert fits.getdata(results[0].path, "ERR").shape == (20, 24)
    assert blot_files(files[0], [files[1]], tmp_path, errors=True, resume=True)[0].kept
    assert not blot_files(files[0], [files[1]], tmp_path, resume=True)[0].kept
    assert not blot_files(files[0], [files[1]], tmp_path, errors=True, resume=True)[0].kept


def test_on_the_command_line(files, tmp_path, run):
    assert run("blot", *files, "-o", tmp_path / "b.fits", "--errors")[::2] == (0, "")
    assert np.isfinite(fits.getdata(tmp_path / "b.fits", "ERR")).all()


def test_a_mosaic_without_errors_is_refused_before_any_work(files, tmp_path, run):
    plain = files[0].with_name("plain.fits")
    with pytest.raises(
        DataError, match=r"plain\.fits\[sci,1\]: has no errors \(ERR\) to be carried into a blot"
    ):
        blot_files(plain, [files[1]], tmp_path, errors=True)
    code, _, err = run("blot", plain, files[1], "-o", tmp_path / "b.fits", "--errors")
    assert (code, err.count("\n")) == (2, 1)
    assert list(tmp_path.iterdir()) == []
